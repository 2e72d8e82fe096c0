"""The Frechet distance between the judge's features of generated and of reference samples."""

import numpy as np

from ganbench.metrics.evidence import Evidence, Reference
from ganbench.metrics.score import Undefined


def fid(evidence: Evidence, reference: Reference) -> float:
    """|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1^{1/2} S2 S1^{1/2})^{1/2}, squared, in float64.

    Finite samples bias it upwards: identical 64-d Gaussians score
    1.11 at n = 1,000 and 0.23 at 5,000; n must exceed the number of features.

    Blind to all but the features' first two moments. Where the features are the points themselves,
    as of mixtures, that is nearly everything inside a mode, and what is spread evenly over all.

    Reference: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", NIPS 2017, arXiv 1706.08500. There: Inception features, and a general matrix
    square root with a ridge; here the judge's features, and only symmetric eigenvalues.

    Raises: Undefined if a moment is not finite (a sample that the judge cannot read), or with no
    more samples than features: their covariance is singular whatever they are of.
    """
    if evidence.n <= len(evidence.feature_mean):
        raise Undefined(f"{evidence.n:.0f} samples, more than {len(evidence.feature_mean)} needed")
    mean, cov = evidence.feature_mean, evidence.feature_cov
    if not (np.isfinite(mean).all() and np.isfinite(cov).all()):
        raise Undefined("moments of the features are not finite")
    root = _root(reference.cov)
    # what rounding turns negative is zero
    cross = np.linalg.eigvalsh(root @ cov @ root).clip(min=0)
    apart = mean - reference.mean
    total = np.trace(cov) + np.trace(reference.cov) - 2 * np.sqrt(cross).sum()
    return float(apart @ apart + total)


def _root(cov: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(cov)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
