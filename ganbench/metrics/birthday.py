"""How many different samples a generator seems to have."""

import math

import numpy as np
from scipy.spatial.distance import pdist

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score

BATCH = 100  # of held-out samples, among which tau gives a near-duplicate half of the time
# expected near-duplicates of a batch: P(none) = exp(-that) = 1 / 2, over its 4,950 pairs
CLOSE = math.log(2) / math.comb(BATCH, 2)  # 1 / 7,141


def birthday(truth: Truth):
    """Effective support size: 1 / P(two samples are no further apart than tau), from 1.

    From all N = n (n - 1) / 2 pairs, c of them close: (N + 1) / (c + 1), which is unbiased for
    1 / P up to exp(-N P) if pairs are taken for independent (Chapman's correction of capture and
    recapture), and which has a value where c = 0: then the support is "at least" that, as the note
    says, not more than n samples can show. For atoms of mass p_i, 1 / P = 1 / sum p_i^2, the
    exponential of the collision entropy: a lower bound of the number of atoms.

    Distances are Euclidean in data space. tau is the distance at which a batch of 100 held-out
    samples has a near-duplicate with probability 1 / 2: ln 2 / 4,950 of the held-out pairs are no
    further apart. So data like the held-out score about 7,141 by construction: read a score
    relative to that. Draws from a fixed training set of N images score less, about
    1 / (1 / N + 1 / 7,141). If tau is 0, because held-out data repeat themselves, copies count.
    The note prints tau.

    Blind to quality: it counts different samples, good or bad. Noise raises it. Blur moves it both
    ways: it spreads points, and makes images alike.

    Reference: Arora, Risteski, Zhang, "Do GANs Learn the Distribution? Some Theory and Empirics",
    ICLR 2018; Arora and Zhang, arXiv 1706.08224 (there near-duplicates are confirmed by eye, and
    the support is s^2 for the batch size s at which they turn up half of the time).

    Returns: the score of a sample; raises Undefined with fewer than two samples on either side.
    """
    far = readable(truth.held_out, 2).flat()
    tau = float(np.quantile(pdist(far), CLOSE, method="inverted_cdf"))

    def score(sample: Sample) -> Score:
        apart = pdist(readable(sample, 2).flat())
        close = int((apart <= tau).sum())
        note = f"tau = {tau:.4g}" + ("" if close else "; no pair is closer: at least this")
        return Score((len(apart) + 1) / (close + 1), len(sample.x), len(far), note)

    return score
