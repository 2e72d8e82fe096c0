"""The Inception score as its paper reports it: over ten parts of one sample."""

from collections.abc import Callable

import numpy as np
from scipy.special import entr

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score

PARTS = 10  # Salimans et al.'s code
SEED = 2020  # of the order that is split: torch-fidelity's


def inception_score_split(truth: Truth):
    """Mean over 10 parts of the Inception score, each part's own exp(H(p_g) - E H(p(. | x))).

    From 1 to K. The parts are equal to one sample, in one shuffled order that never changes:
    samples in the order of their classes would make every part a collapsed one. Each part has
    n / 10 samples, and the downward bias of so few: compare only at the same n.

    Blind to copies, and to what else `inception_score` is blind to.

    Reference: Salimans et al., "Improved Techniques for Training GANs", NIPS 2016, arXiv
    1606.03498, and its code (there 50,000 samples, in the order in which they came).

    Returns: the score of a sample; raises Undefined with fewer than ten samples.
    """
    return _over_parts(np.mean)


def inception_score_split_sd(truth: Truth):
    """Population standard deviation of the ten values that `inception_score_split` is the mean of.

    0 or more. It is the spread over parts of ONE sample of one generator. It says nothing of the
    spread over seeds, and is not an error of the mean score: the parts share one generator, and
    each is a tenth of the sample. Neither high nor low is good: it falls with lost modes, to 0 for
    a collapsed generator.

    Blind to blur, copies and noise: what they change is lost in its own chance, a quarter of it
    (the relative error of a standard deviation of ten values).

    Returns: the score of a sample; raises Undefined with fewer than ten samples.
    """
    return _over_parts(np.std)


def _over_parts(summary: Callable[[np.ndarray], np.floating]):
    def score(sample: Sample) -> Score:
        n = len(readable(sample, PARTS).x)
        # RandomState and not default_rng: NumPy never changes its stream
        order = np.random.RandomState(SEED).permutation(n)
        values = [_inception(sample.log_p[part]) for part in np.array_split(order, PARTS)]
        return Score(float(summary(np.array(values))), n, note=f"{PARTS} parts of {n // PARTS}")

    return score


def _inception(log_p: np.ndarray) -> float:
    """Of (n, factors, answers) log p, -inf allowed."""
    p = np.exp(log_p)
    # entropies of independent factors add up; entr(0) = 0
    return float(np.exp(entr(joint_marginal(p)).sum() - entr(p).sum((1, 2)).mean()))


def joint_marginal(p: np.ndarray) -> np.ndarray:
    """(K,) mean over samples of p(mode | x), of (n, factors, answers); n x K numbers are made."""
    joint = p[:, 0]
    for factor in range(1, p.shape[1] - 1):
        joint = (joint[:, :, None] * p[:, factor, None]).reshape(len(p), -1)
    # the last product and the mean over samples are one matrix product
    return (joint.T @ p[:, -1] / len(p)).ravel() if p.shape[1] > 1 else joint.mean(0)
