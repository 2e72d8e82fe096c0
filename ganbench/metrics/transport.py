"""How far generated samples must be moved to become the held-out ones."""

import math

import numpy as np

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score

DIRECTIONS = 128
SEED = 0  # of the directions


def sliced_wasserstein(truth: Truth):
    """Sliced 2-Wasserstein distance to the held-out data, in data space and its units, from 0.

    SW = sqrt(mean_t W2(<t, G>, <t, R>)^2) over 128 fixed random directions t of length 1. In one
    dimension W2 couples quantiles: W2^2 = int_0^1 |F^-1(u) - G^-1(u)|^2 du, exact for n != m too.
    Two samples of one distribution are apart by chance, of the order of n^(-1/2).

    Blind to what single projections hardly show: the ring's blur and copies are small beside the
    distance between its modes.

    Reference: Rabin, Peyre, Delon, Bernot, "Wasserstein Barycenter and its Application to Texture
    Mixing", SSVM 2011; Bonneel et al., "Sliced and Radon Wasserstein Barycenters of Measures",
    Journal of Mathematical Imaging and Vision 51, 2015.

    Returns: the score of a sample; raises Undefined without samples on either side.
    """
    far = readable(truth.held_out, 1).flat()
    # RandomState: a stream that NumPy never changes
    directions = np.random.RandomState(SEED).standard_normal((far.shape[1], DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    there = np.sort(far @ directions, axis=0)

    def score(sample: Sample) -> Score:
        here = np.sort(readable(sample, 1).flat() @ directions, axis=0)
        value = math.sqrt(_squared(here, there).mean())
        return Score(value, len(here), len(there), f"{DIRECTIONS} directions")

    return score


def _squared(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(columns,): W2^2 of the columns of (n, columns) and (m, columns), each sorted.

    Sample i holds the quantiles from i / n to (i + 1) / n; in units of 1 / (n m) all are whole.
    """
    n, m = len(x), len(y)
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    starts = np.concatenate([[0], ends[:-1]])
    share = (ends - starts) / (n * m)
    return share @ (x[starts // m] - y[starts // n]) ** 2
