"""The modified Inception score of the EBGAN grid."""

import numpy as np
from scipy.special import entr

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score
from ganbench.metrics.splits import joint_marginal


def modified_inception_score(truth: Truth):
    """E_x KL(p_g || p(. | x))^2, the square of each sample's divergence; p_g = E p(. | x).

    From 0, in nats squared; inf if p(mode | x) = 0 for a mode that p_g has. The arguments stand the
    other way round than in the Inception score, and there is no exponential: it grows with the
    square of how sure the judge is, without a bound, so that values of two judges, or of this and
    the Inception score, do not compare. 0 for a collapsed generator, and for samples on which the
    judge cannot decide.

    Blind to copies. The share of lost modes moves it both ways where how sure the judge is of those
    that are left counts for more.

    Reference: Zhao, Mathieu, LeCun, "Energy-based Generative Adversarial Network", ICLR 2017, arXiv
    1609.03126, section 4.1 (of a classifier of its own).

    Returns: the score of a sample; raises Undefined without samples.
    """
    return _score


def _score(sample: Sample) -> Score:
    n = len(readable(sample, 1).x)
    p = np.exp(sample.log_p)
    # log p of a mode is the sum of its factors' log p, so that only their marginals weigh it
    marginals = p.mean(0)
    surprise = (marginals * -np.where(marginals > 0, sample.log_p, 0.0)).sum((1, 2))
    divergence = surprise - entr(joint_marginal(p)).sum()
    return Score(float((divergence**2).mean()), n)
