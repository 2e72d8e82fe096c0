"""In which regions of the data there are too many generated samples, or too few."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, rel_entr
from sklearn.cluster import KMeans

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

    Blind to copies, to what is wrong inside a cell, and to samples far away: they are in the
    nearest cell.

    Reference: Richardson and Weiss, "On GANs and GMMs", NeurIPS 2018, arXiv 1805.12462 (there the
    number of bins of 100; above 1,000 entries they cluster on a sixth of them, here on all).

    Returns: the score of a sample; raises Undefined without samples, or if the training data do not
    fill two bins.
    """
    bins = _fitted(truth)
    m = bins.counts.sum()

    def score(sample: Sample) -> Score:
        counts, n = bins.of(readable(sample, 1)), len(sample.x)
        pooled = (counts + bins.counts) / (n + m)
        error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        apart = np.abs(counts / n - bins.counts / m)
        differ = apart > ndtri(1 - ALPHA / 2) * error  # 0 > 0 is false: an empty bin does not
        return Score(float(differ.mean()), n, int(m), _stated(bins))

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
    m = bins.counts.sum()
    p = bins.counts / m

    def score(sample: Sample) -> Score:
        n = len(readable(sample, 1).x)
        q = bins.of(sample) / n
        value = (rel_entr(p, (p + q) / 2).sum() + rel_entr(q, (p + q) / 2).sum()) / 2
        return Score(float(value), n, int(m), _stated(bins))

    return score


def _fitted(truth: Truth) -> _Bins:
    x = readable(truth.train, 1).flat()
    different = len(np.unique(x, axis=0))
    number = min(BINS, len(x) // LEAST_PER_BIN, different)
    if number < 2:
        raise Undefined(f"{len(x)} training samples, {different} of them different: no two bins")
    # one start: bins need not be the best ones, only the same for every generator
    cells = KMeans(number, n_init=1, random_state=SEED).fit(x)
    return _Bins(cells, np.bincount(cells.labels_, minlength=number))


def _stated(bins: _Bins) -> str:
    return f"K = {len(bins.counts)} bins"
