"""The exact judge of a Gaussian mixture: its own posterior."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np

from ganbench.tasks.base import Judge, Verdict

FORMULA = "posterior of an equal-weight isotropic Gaussian mixture, accepted within 3 sigma"
RADIUS = 3.0  # VEEGAN, PacGAN: of high quality = Mahalanobis distance to the nearest centre < 3


def mixture_posterior(centres: np.ndarray, sigma: float) -> Judge:
    """Judge samples by the mixture they should come from.

    log p(k | x) = log_softmax_k(-|x - c_k|^2 / (2 sigma^2)); accepted when
    min_k |x - c_k| < 3 sigma; features = x. A perfect sampler in two dimensions is accepted with
    probability 1 - exp(-9 / 2) = 0.98889, not 1, where the balls do not overlap.

    Args:
        centres: (modes, dimension), any float type; kept as float32.
        sigma: standard deviation along every axis, > 0; kept as float32.

    References: Srivastava et al., VEEGAN, NeurIPS 2017, arXiv:1705.07761; Lin et al., PacGAN,
    NeurIPS 2018, arXiv:1712.04086.
    """
    weights = {"centres": np.asarray(centres, np.float32), "sigma": np.asarray(sigma, np.float32)}
    constants = weights["centres"].tobytes() + weights["sigma"].tobytes()
    return Judge(posterior, weights, hashlib.sha256(FORMULA.encode() + constants).hexdigest())


def posterior(weights: dict[str, np.ndarray], x: jax.Array) -> Verdict:
    """The verdict on x, (batch, dimension), under `weights` = {"centres", "sigma"}."""
    offsets = (x[:, None, :] - weights["centres"]) / weights["sigma"]
    squared = jnp.sum(offsets**2, axis=-1)
    accepted = jnp.min(squared, axis=-1) < RADIUS**2
    return Verdict(jax.nn.log_softmax(-squared / 2, axis=-1)[:, None], accepted, x)
