"""Single samples with what the judge says of them, for scores that sums do not suffice for."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ganbench.metrics.evidence import Evidence, Reference
from ganbench.metrics.score import Undefined

SIZE = 2500  # samples that a score of pairs sees: VEEGAN's and PacGAN's n; memory goes with n^2


class Sample(NamedTuple):
    """n samples, of a generator or of the truth, on the host.

    `evidence` is the tally of all samples of the evaluation; the arrays hold the first n of them.
    """

    x: np.ndarray  # (n, *shape) float64: the samples themselves
    features: np.ndarray  # (n, width) float64: the judge's
    log_p: np.ndarray  # (n, factors, answers) float64: log p(answer | x)
    mode: np.ndarray  # (n,) int: the likeliest mode
    accepted: np.ndarray  # (n,) bool: of high quality
    evidence: Evidence

    def flat(self) -> np.ndarray:
        """(n, entries): each sample's entries in a row."""
        return self.x.reshape(len(self.x), -1)


class Truth(NamedTuple):
    """What a generator's samples are held against."""

    reference: Reference
    train: Callable[[], Sample]  # what generators learn from: all of a `fixed` set, else draws
    held_out: Sample  # seen by neither generators nor judge: the reference of every distance
    fixed: bool  # whether training data are a finite set, which can be learnt by heart
    log_density: Callable[[np.ndarray], np.ndarray] | None  # (n, entries) -> (n,), nats, if known


def readable(sample: Sample, least: int) -> Sample:
    """`sample`, as it is.

    Raises:
        Undefined: fewer than `least` samples, or some that are not finite or that the judge cannot
            read: a score of the others would hide the failure.
    """
    n = len(sample.x)
    if n < least:
        raise Undefined(f"{n} samples, at least {least} needed")
    seen = (sample.flat(), sample.features, sample.log_p.reshape(n, -1).max(1, keepdims=True))
    bad = int((~np.concatenate([np.isfinite(part) for part in seen], axis=1).all(1)).sum())
    if bad:
        raise Undefined(f"{bad} of {n} samples are not finite")
    return sample
