"""A score: how wide samples are spread, against real data."""

import numpy as np

from ganbench import SampleMetric
from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score


def spread(truth: Truth):
    """Root mean square distance of samples to their mean, over that of held-out data; 1 is perfect.

    Blind to where the samples are, and to all that is not their width.
    """

    def width(sample: Sample) -> float:
        flat = readable(sample, 2).flat()
        return float(np.sqrt(((flat - flat.mean(0)) ** 2).sum(1).mean()))

    whole, n_held_out = width(truth.held_out), len(truth.held_out.x)
    return lambda sample: Score(width(sample) / whole, len(sample.x), n_held_out, "")


SPREAD = SampleMetric(
    spread, "neither", "spread of samples over that of held-out data, 1 is perfect"
)
