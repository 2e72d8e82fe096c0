"""In which regions of the data there are too many generated samples, or too few."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, rel_entr
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score, Undefined

BINS = 100  # Richardson and Weiss
LEAST_PER_BIN = 10  # training samples, on average: fewer bins where the set is small
ALPHA = 0.05
SEED = 0  # of k-means++'s first centres


class _Bins(NamedTuple):
    cells: KMeans
    counts: np.ndarray  # (K,): training samples by bin

    def of(self, sample: Sample) -> np.ndarray:
        """(K,): the samples by bin."""
        return np.bincount(self.cells.predict(sample.flat()), minlength=len(self.counts))


def ndb(truth: Truth):
    """Share of bins whose proportion differs from the training data's: number / K, 0 to 1.

    Bins are the K cells of k-means on the training data themselves (flattened, Euclidean): K = 100,
    or as many as leave ten training samples a bin on average. Bin i differs by a test of two
    proportions at alpha = 0.05, two-sided, without correction for testing K times: if
    |n_i / n - m_i / m| > 1.96 sqrt(p (1 - p) (1 / n + 1 / m)), p = (n_i + m_i) / (n + m). A bin
    that is empty in both does not differ.

    A perfect sampler whose training data are drawn anew scores about alpha (0.05), not 0; one that
    draws from a fixed training set less, for that set's own chance is then the same on both sides.
    It grows with n: compare only at the same n.

    Blind to what is wrong inside a cell, and to how far away a sample is, for it is in the nearest
    cell: of images, noise goes unseen. Copies of many different samples too.

    Reference: Richardson and Weiss, "On GANs and GMMs", NeurIPS 2018, arXiv 1805.12462 (there the
    number of bins of 100; above 1,000 entries they cluster on a sixth of them, here on all).

    Returns: the score of a sample; raises Undefined without samples, or if the training data do not
    fill two bins.
    """
    bins = _fitted(truth)

    def score(sample: Sample) -> Score:
        counts = bins.of(readable(sample, 1))
        return _stated(bins, counts, float(differing(counts, bins.counts).mean()))

    return score


def ndb_js(truth: Truth):
    """Jensen-Shannon divergence between the bin proportions of `ndb`, in nats, 0 to ln 2.

    JS(p, q) = KL(p || h) / 2 + KL(q || h) / 2, h = (p + q) / 2; 0 log 0 = 0. A perfect sampler
    scores about (K - 1) / 8 (1 / n + 1 / m), only the 1 / n part of it if it draws from a fixed
    training set.

    Blind to what `ndb` is blind to.

    Reference: as `ndb`.

    Returns: the score of a sample; raises Undefined as `ndb`.
    """
    bins = _fitted(truth)

    def score(sample: Sample) -> Score:
        counts = bins.of(readable(sample, 1))
        return _stated(bins, counts, jensen_shannon(counts, bins.counts))

    return score


def differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(K,) bool: the bins whose proportions differ, of two samples' counts; see `ndb`."""
    n, m = a.sum(), b.sum()
    pooled = (a + b) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    # 0 > 0 is false: a bin that is empty in both does not differ
    return np.abs(a / n - b / m) > ndtri(1 - ALPHA / 2) * error


def jensen_shannon(a: np.ndarray, b: np.ndarray) -> float:
    """Of the proportions of two samples' counts, (K,) each, in nats; see `ndb_js`."""
    p, q = a / a.sum(), b / b.sum()
    half = (p + q) / 2
    return float(rel_entr(p, half).sum() + rel_entr(q, half).sum()) / 2


def _fitted(truth: Truth) -> _Bins:
    x = readable(truth.train(), 1).flat()
    different = len(np.unique(x, axis=0))
    number = min(BINS, len(x) // LEAST_PER_BIN, different)
    if number < 2:
        raise Undefined(f"{len(x)} training samples, {different} of them different: no two bins")
    with warnings.catch_warnings():
        # what differs by less than rounding falls into one bin: the others stay empty
        warnings.simplefilter("ignore", ConvergenceWarning)
        # one start: bins need not be the best ones, only the same for every generator
        cells = KMeans(number, n_init=1, random_state=SEED).fit(x)
    # not labels_, which were rounded otherwise: a sample is always in the same bin
    return _Bins(cells, np.bincount(cells.predict(x), minlength=number))


def _stated(bins: _Bins, counts: np.ndarray, value: float) -> Score:
    note = f"K = {len(counts)} bins"
    return Score(value, int(counts.sum()), int(bins.counts.sum()), note)
