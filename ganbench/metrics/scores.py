"""Scores made of a classifier's p(mode | x): Inception, MODE and AM.

p_g is the mean of p(. | x) over the generator's samples, p* the true mode frequencies, H the
entropy in nats. 0 log 0 = 0; KL(a || b) is inf where b = 0 < a. The variants ending in `_hq` are
over accepted samples only. All raise `Undefined` if there are no samples, or one that the judge
cannot read.
"""

import math

import numpy as np
from scipy.special import entr, rel_entr

from ganbench.metrics.evidence import Evidence, Reference
from ganbench.metrics.score import Undefined


def inception_score(evidence: Evidence, reference: Reference) -> float:
    """exp(H(p_g) - E H(p(. | x))), from 1 to K; all samples at once, not in splits.

    Finite samples bias it downwards.

    Blind to copies, and to anything inside a mode, where the judge is as sure as before: with an
    exact posterior to blur and noise too. Unequal p* are taken for a fault.

    Reference: Salimans et al., "Improved Techniques for Training GANs", NIPS 2016, arXiv
    1606.03498.
    """
    return _inception(evidence.p, evidence.entropy)


def inception_score_hq(evidence: Evidence, reference: Reference) -> float:
    """`inception_score` of the accepted samples, from 1 to K.

    Blind to copies, and to what `inception_score` is blind to. How many samples are accepted does
    not matter.
    """
    return _inception(_some_hq(evidence), evidence.entropy_hq)


def mode_score(evidence: Evidence, reference: Reference) -> float:
    """IS exp(-KL(p_g || p*)) = exp(E KL(p(. | x) || p_g) - KL(p_g || p*)).

    With p* in place of p_g in the first term, as it is usually printed, it equals the Inception
    Score identically: do not "fix" it back. From 0 to K.

    Blind to copies, and to what else `inception_score` is blind to, unequal p* apart.

    Reference: Che et al., "Mode Regularized Generative Adversarial Networks", ICLR 2017, arXiv
    1612.02136; this variant as in Xu et al., "An empirical study on evaluation metrics of
    generative adversarial networks", 2018, arXiv 1806.07755.
    """
    return _mode(evidence.p, evidence.entropy, reference)


def mode_score_hq(evidence: Evidence, reference: Reference) -> float:
    """`mode_score` of the accepted samples, from 0 to K.

    Blind to copies, and to what else `mode_score` is blind to. How many samples are accepted does
    not matter.
    """
    return _mode(_some_hq(evidence), evidence.entropy_hq, reference)


def am_score(evidence: Evidence, reference: Reference) -> float:
    """KL(p* || p_g) + E H(p(. | x)); lower is better, 0 is perfect.

    inf, not clipped, if p_g has lost a mode, which is when no sample's p(mode | x) is above what
    float32 can hold (1e-38).

    Blind to copies and noise beside what one lost mode costs, with an exact posterior to blur too.

    Reference: Zhou et al., "Activation Maximization Generative Adversarial Nets", ICLR 2018, arXiv
    1703.02000.
    """
    return _am(evidence.p, evidence.entropy, reference)


def am_score_hq(evidence: Evidence, reference: Reference) -> float:
    """`am_score` of the accepted samples, from 0.

    Blind to blur, copies and noise beside what one lost mode costs. How many samples are accepted
    does not matter.
    """
    return _am(_some_hq(evidence), evidence.entropy_hq, reference)


def _some_hq(evidence: Evidence) -> np.ndarray:
    if evidence.accepted == 0:
        raise Undefined("no sample of high quality")
    return evidence.p_hq


def _inception(p: np.ndarray, entropy: float) -> float:
    return math.exp(entr(_known(p)).sum() - entropy)


def _mode(p: np.ndarray, entropy: float, reference: Reference) -> float:
    return _inception(p, entropy) * math.exp(-rel_entr(p, reference.proportions).sum())


def _am(p: np.ndarray, entropy: float, reference: Reference) -> float:
    return float(rel_entr(reference.proportions, _known(p)).sum() + entropy)


def _known(p: np.ndarray) -> np.ndarray:
    if np.isnan(p).any():
        raise Undefined("no samples to judge, or one that the judge cannot read")
    return p
