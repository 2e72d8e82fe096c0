"""Which modes a generator hits, how well, and how evenly."""

import numpy as np
from scipy.special import rel_entr

from ganbench.metrics.evidence import Evidence, Reference
from ganbench.metrics.score import Undefined

LEAST_SAMPLES = 3  # one of 2,500 is far too lenient: a classifier's errors touch every mode
LEAST_SHARE = 0.1  # of the mode's expected mass


def covered(evidence: Evidence, reference: Reference) -> np.ndarray:
    """(K,) bool: the modes with a tenth of their expected mass in high-quality samples.

    counts_k >= max(3, 0.1 n p_k), with n all samples and p the true frequencies.
    """
    expected = evidence.n * reference.proportions
    return evidence.counts >= np.maximum(LEAST_SAMPLES, LEAST_SHARE * expected)


def modes(evidence: Evidence, reference: Reference) -> float:
    """How many modes are `covered`, 0 to K.

    Blind to blur, copies and noise that leave a tenth of each mode's mass of high quality.

    Raises: Undefined if there are no samples.
    """
    _some(evidence)
    return float(covered(evidence, reference).sum())


def modes_any(evidence: Evidence, reference: Reference) -> float:
    """How many modes have at least one high-quality sample, as most papers count.

    From 0 to K. Reference: Srivastava et al., "VEEGAN", NIPS 2017, arXiv 1705.07761. Never decides
    a status.

    Blind to blur, copies and noise that leave one sample of each mode of high quality.

    Raises: Undefined if there are no samples.
    """
    _some(evidence)
    return float((evidence.counts >= 1).sum())


def high_quality(evidence: Evidence, reference: Reference) -> float:
    """The accepted share of all samples. A perfect sampler in 2-D has 1 - exp(-4.5) = 0.98889.

    Blind to lost modes and copies: one good sample, again and again, scores 1.

    Raises: Undefined if there are no samples.
    """
    _some(evidence)
    return evidence.accepted / evidence.n


def reverse_kl(evidence: Evidence, reference: Reference) -> float:
    """KL(mode histogram of the high-quality samples || true frequencies), in nats.

    0 log 0 = 0, and inf if a mode of true frequency 0 is hit. A perfect sampler has about
    (K - 1) / (2 n), not 0. Lin et al., "PacGAN", NeurIPS 2018, arXiv 1712.04086, compare with the
    uniform distribution instead.

    Blind to blur, copies and noise, as long as they spoil all modes alike.

    Raises: Undefined if no sample is of high quality.
    """
    return float(rel_entr(_histogram(evidence), reference.proportions).sum())


def forward_kl(evidence: Evidence, reference: Reference) -> float:
    """KL(true frequencies || mode histogram of the high-quality samples), in nats.

    0 log 0 = 0. inf as soon as one mode of positive true frequency is missed, not smoothed: the
    strictest measure of lost modes, and one that a perfect sampler fails where n is under some ten
    samples a mode. Else it has about (K - 1) / (2 n).

    Blind to blur, copies and noise, as long as they leave some sample of each mode of high quality.

    Raises: Undefined if no sample is of high quality.
    """
    return float(rel_entr(reference.proportions, _histogram(evidence)).sum())


def modes_ungated(evidence: Evidence, reference: Reference) -> float:
    """How many modes are the likeliest of at least one sample, good or bad.

    From 0 to K. What tables of stacked MNIST count, whose classifiers have no answer "none of
    them": noise covers modes too. Compare with them, trust `modes`.

    Blind to copies, and to blur and noise that leave one sample of each mode.

    References: Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, arXiv
    1611.02163; Lin et al., "PacGAN", NeurIPS 2018, arXiv 1712.04086.

    Raises: Undefined if there are no samples.
    """
    _some(evidence)
    return float((evidence.counts_any >= 1).sum())


def reverse_kl_ungated(evidence: Evidence, reference: Reference) -> float:
    """KL(histogram of all samples' likeliest modes || true frequencies), in nats.

    As `reverse_kl`, of samples good and bad, as in tables of stacked MNIST; these compare with the
    uniform distribution instead.

    Blind to copies, and to blur and noise that spoil all modes alike.

    Raises: Undefined if no sample can be read.
    """
    if evidence.counts_any.sum() == 0:
        raise Undefined("no samples to judge, or none that the judge can read")
    shares = evidence.counts_any / evidence.counts_any.sum()
    return float(rel_entr(shares, reference.proportions).sum())


def _some(evidence: Evidence) -> None:
    if evidence.n == 0:
        raise Undefined("no samples")


def _histogram(evidence: Evidence) -> np.ndarray:
    """(K,): each mode's share of the high-quality samples."""
    if evidence.accepted == 0:
        raise Undefined("no sample of high quality")
    return evidence.counts / evidence.accepted
