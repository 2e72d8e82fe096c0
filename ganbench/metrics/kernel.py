"""The kernel distance between the judge's features of generated and of reference samples."""

import numpy as np

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score


def kid(truth: Truth):
    """Unbiased squared MMD of the judge's features under a cubic kernel; may be negative.

    k(x, y) = (x . y / width + 1)^3;
    KID = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j), with x
    of the generator, y of the held-out data. One estimate from all pairs, in float64, not a mean
    over subsets. A perfect sampler has mean 0 and takes both signs: it is not clipped.

    Blind to all but the features' first three moments, for the kernel is of degree three. Of
    mixtures, whose features are the points themselves, it sees as little as `fid` does.

    Reference: Binkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs", ICLR 2018, arXiv
    1801.01401 (there Inception features, and a mean over subsets of 1,000).

    Returns: the score of a sample; raises Undefined with fewer than two samples on either side.
    """
    far = readable(truth.held_out, 2).features
    among_reference = _mean_apart(_cubic(far, far))

    def score(sample: Sample) -> Score:
        near = readable(sample, 2).features
        between = _cubic(near, far).mean()
        value = _mean_apart(_cubic(near, near)) + among_reference - 2 * between
        return Score(float(value), len(near), len(far))

    return score


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _mean_apart(kernel: np.ndarray) -> float:
    """The mean over pairs of different samples: with the diagonal the estimate would be biased."""
    n = len(kernel)
    return (kernel.sum() - np.trace(kernel)) / (n * (n - 1))
