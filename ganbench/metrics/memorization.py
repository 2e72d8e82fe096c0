"""Whether generated samples are nearer to the training data than other real data are."""

import numpy as np
from scipy.stats import rankdata

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score, Undefined

AT_ONCE = 2**23  # distances made at a time: 64 MiB


def memorization(truth: Truth):
    """P(d(G) < d(R)) + P(d(G) = d(R)) / 2, d the distance to the nearest training sample, 0 to 1.

    G is a generated, R a held-out sample; Euclidean distances in data space. 1 / 2: as near to the
    training data as fresh data are, as a perfect sampler of the distribution is; 1: every sample is
    a copy or nearly one; 0: every sample is further away than the data, as noise is. So lower is
    better only down to 1 / 2. It is the Mann-Whitney statistic U / (n m) of the two sets of
    distances, in the global version of Meehan et al. (who give it as a z score, low for copies).

    Blind to lost modes. Samples that are copies and samples that are far away cancel out: read it
    beside a score of quality. Blur moves it both ways: images blurred a little are nearer to all
    others, blurred more they are far from the data. Drawing from the training set itself scores 1.

    Reference: Meehan, Chaudhuri, Dasgupta, "A Non-Parametric Test to Detect Data-Copying in
    Generative Models", AISTATS 2020, arXiv 2004.05675.

    Returns: the score of a sample; raises Undefined without samples on any side, or where training
    data are drawn anew.
    """
    if not truth.fixed:
        raise Undefined("training data are drawn anew, there is nothing to learn by heart")
    train = readable(truth.train(), 1).flat()
    fresh = _nearest(readable(truth.held_out, 1).flat(), train)

    def score(sample: Sample) -> Score:
        near = _nearest(readable(sample, 1).flat(), train)
        n, m = len(near), len(fresh)
        ranks = rankdata(np.concatenate([near, fresh]))[n:].sum()  # ties share their mean rank
        value = (ranks - m * (m + 1) / 2) / (n * m)
        return Score(float(value), n, m, f"{len(train)} training samples")

    return score


def _nearest(x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """(n,): the distance of each of `x` to the nearest of `train`.

    A matrix product finds the nearest, a difference measures it: a copy is at distance 0 exactly.
    """
    squares = (train**2).sum(1)
    step = max(1, AT_ONCE // len(train))
    nearest = np.concatenate(
        [(squares - 2 * x[i : i + step] @ train.T).argmin(1) for i in range(0, len(x), step)]
    )
    return np.linalg.norm(x - train[nearest], axis=1)
