"""How far the manifolds of generated and of held-out samples cover each other.

B(a, A) is the closed ball about sample a of set A whose radius is the distance to a's k-th nearest
other sample in A. Distances are Euclidean, between the judge's features; G are the n generated
samples, R the m held-out ones. A value depends on n, m, k and the features: compare only where all
four agree.

Balls are closed (distance <= radius), as in Kynkaanniemi et al. Open ones (the `prdc` package) give
the same for data without ties, but then a ball of radius 0, about a sample with k copies, would be
empty: a generator that copies a repeated sample exactly would be told that it is off the manifold.
So with closed balls a set held against itself has density (k + 1) / k, not 1.
"""

import numpy as np
from scipy.spatial.distance import cdist

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score

PAIR = 3  # k of precision and recall: Kynkaanniemi et al.
NEIGHBOURS = 5  # k of density and coverage: Naeem et al.


def precision(truth: Truth):
    """Share of generated samples inside some ball of the held-out data: |G in U B(R)| / n, k = 3.

    From 0 to 1. A perfect sampler is below 1, the more so the wider the features (0.48 for
    N(0, I_1000) at n = m = 10,000, k = 5). One outlier in R has a large ball and raises it.

    Blind to lost modes and copies: one good sample, again and again, scores 1. Noise within the
    balls' radii goes unseen too.

    Reference: Kynkaanniemi et al., "Improved Precision and Recall Metric for Assessing Generative
    Models", NeurIPS 2019, arXiv 1904.06991 (there VGG-16 features, 50,000 samples).

    Returns: the score of a sample; raises Undefined without samples, or with k held-out ones or
    fewer.
    """
    real, radii = _manifold(truth.held_out, PAIR)

    def score(sample: Sample) -> Score:
        made = readable(sample, 1).features
        inside = (cdist(made, real) <= radii).any(1)
        return Score(float(inside.mean()), len(made), len(real), _stated(PAIR))

    return score


def recall(truth: Truth):
    """Share of held-out samples inside some ball of the generated ones: |R in U B(G)| / m, k = 3.

    From 0 to 1; a perfect sampler is below 1, as with `precision`. A collapsed generator has 0.

    Blind to noise beside enough good samples. Worse, it may help: a stray sample has a large ball,
    and samples spread all over cover everything. So, where features are the points themselves, is
    it blind to blur.

    Reference: as `precision`.

    Returns: the score of a sample; raises Undefined with k samples or fewer, or without held-out
    ones.
    """
    real = readable(truth.held_out, 1).features

    def score(sample: Sample) -> Score:
        made, radii = _manifold(sample, PAIR)
        inside = (cdist(real, made) <= radii).any(1)
        return Score(float(inside.mean()), len(made), len(real), _stated(PAIR))

    return score


def density(truth: Truth):
    """In how many held-out balls a generated sample lies: sum_g #{r: g in B(r)} / (k n), k = 5.

    From 0; a perfect sampler has mean 1 up to the order of 1 / m, and values above 1, up to m / k,
    are those of samples crowded where the data are densest: above 1 is not better than perfect. One
    outlier in R counts once and not for all, which is why it is steadier than `precision`.

    Blind to lost modes and copies. Blur moves it both ways: a little crowds images where the data
    are densest and raises it, more lowers it.

    Reference: Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML
    2020, arXiv 2002.09797.

    Returns: the score of a sample; raises Undefined without samples, or with k held-out ones or
    fewer.
    """
    real, radii = _manifold(truth.held_out, NEIGHBOURS)

    def score(sample: Sample) -> Score:
        made = readable(sample, 1).features
        balls = (cdist(made, real) <= radii).sum(1)
        value = balls.mean() / NEIGHBOURS
        return Score(float(value), len(made), len(real), _stated(NEIGHBOURS))

    return score


def nn_coverage(truth: Truth):
    """Share of held-out samples with a generated one in their ball: |{r: G in B(r)}| / m, k = 5.

    From 0 to 1. A perfect sampler has about 1 - 2^-k = 0.969 at n = m, whatever the features' width
    (more where n > m). `coverage` in the paper, a word that means modes reached elsewhere here.

    Blind to samples far from the data beside enough good ones. Copies lower it as far as they leave
    fewer different samples.

    Reference: as `density`.

    Returns: the score of a sample; raises Undefined without samples, or with k held-out ones or
    fewer.
    """
    real, radii = _manifold(truth.held_out, NEIGHBOURS)

    def score(sample: Sample) -> Score:
        made = readable(sample, 1).features
        reached = cdist(made, real).min(0) <= radii
        return Score(float(reached.mean()), len(made), len(real), _stated(NEIGHBOURS))

    return score


def _manifold(sample: Sample, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Features, (n, width), and each one's distance to its k-th nearest other, (n,)."""
    x = readable(sample, k + 1).features
    # by differences and not by a matrix product: copies must be at distance 0 exactly. The nearest
    # of all is the sample itself, at place 0.
    return x, np.partition(cdist(x, x), k, axis=1)[:, k]


def _stated(k: int) -> str:
    return f"k = {k}"
