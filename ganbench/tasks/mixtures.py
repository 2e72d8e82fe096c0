"""Two-dimensional Gaussian mixtures: eight on a ring, twenty-five on a grid."""

import hashlib

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from scipy.special import logsumexp

from ganbench.errors import BadInput
from ganbench.judges.posterior import mixture_posterior
from ganbench.tasks.base import Task


def ring(modes: int = 8, radius: float = 1.0, sigma: float = 0.02) -> Task:
    """Gaussians evenly spaced on a circle, the first at angle 0.

    c_k = radius (cos(2 pi k / modes), sin(2 pi k / modes)), k = 0 .. modes - 1. The angle is
    divided by `modes`: `linspace(0, 2 pi, modes)` holds both ends of the circle and so loses one
    mode, as the notebook released with Unrolled GAN does (seven modes, not eight).

    Args (all static): modes >= 1; radius > 0 in data units; sigma > 0, the standard deviation along
        each axis.

    Raises: BadInput where a value is out of range.

    References: radius 1 as in PacGAN (arXiv:1712.04086, there with sigma 0.01); sigma 0.02 as in
    Metz et al., Unrolled GANs, ICLR 2017, arXiv:1611.02163 (there with radius 2).
    """
    _positive("ring", modes=modes, radius=radius, sigma=sigma)
    angles = 2 * np.pi * np.arange(modes) / modes
    return mixture("ring", radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), sigma)


def grid(side: int = 5, spacing: float = 0.5, sigma: float = 0.02) -> Task:
    """Gaussians on a square lattice about the origin.

    c_(i, j) = spacing (i - (side - 1) / 2, j - (side - 1) / 2), i, j = 0 .. side - 1, mode
    side * i + j. By default the 25 centres span [-1, 1]^2, the scale that nets start at, with the
    ring's sigma. PacGAN's grid is {-4, -2, 0, 2, 4}^2 with sigma 0.05: `spacing=2.0, sigma=0.05`.
    Its modes are narrower for their distance (1 : 40, here 1 : 25), which small nets do not resolve
    in some thousand steps.

    Args (all static): side >= 1; spacing > 0 in data units; sigma > 0, the standard deviation along
        each axis.

    Raises: BadInput where a value is out of range.

    Reference: Lin et al., PacGAN, NeurIPS 2018, arXiv:1712.04086.
    """
    _positive("grid", side=side, spacing=spacing, sigma=sigma)
    line = spacing * (np.arange(side) - (side - 1) / 2)
    centres = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    return mixture("grid", centres, sigma)


def pacgan_ring() -> Task:
    """PacGAN's ring: eight Gaussians of sigma 0.01 on a circle of radius 1.

    Reference: Lin et al., PacGAN, NeurIPS 2018, arXiv:1712.04086, `2DRing/config.py` of its code.
    """
    return ring(sigma=0.01)._replace(name="pacgan-ring")


def pacgan_grid() -> Task:
    """PacGAN's grid: 25 Gaussians of sigma 0.05 on {-4, -2, 0, 2, 4}^2.

    Reference: Lin et al., PacGAN, NeurIPS 2018, arXiv:1712.04086, `2DGrid/config.py` of its code.
    """
    return grid(spacing=2.0, sigma=0.05)._replace(name="pacgan-grid")


def mixture(name: str, centres: np.ndarray, sigma: float) -> Task:
    """The equal-weight isotropic mixture about `centres`, (modes, dimension), as a task.

    Data are drawn on the fly, so `train` and `held_out` are both the centres. The reference moments
    are the mixture's own: mean of the centres, and their covariance (ddof = 0) plus sigma^2 I.
    """
    source = centres.astype(np.float32)
    exact = source.astype(np.float64)  # the moments of what is drawn, not of the unrounded centres
    modes, width = source.shape
    low, high = source.min(0) - 3 * sigma, source.max(0) + 3 * sigma

    def sample(key: jax.Array, source: jax.Array, batch: int) -> jax.Array:
        pick, spread = jr.split(key)
        index = jr.randint(pick, (batch,), 0, modes)
        return jnp.asarray(source)[index] + sigma * jr.normal(spread, (batch, width))

    def noise(key: jax.Array, batch: int) -> jax.Array:
        return jr.uniform(key, (batch, width), minval=low, maxval=high)

    def log_density(x: np.ndarray) -> np.ndarray:
        squared = ((x[:, None] - exact) ** 2).sum(-1)
        normaliser = np.log(modes) + width / 2 * np.log(2 * np.pi * sigma**2)
        return logsumexp(-squared / (2 * sigma**2), axis=1) - normaliser

    constants = source.tobytes() + np.float32(sigma).tobytes()
    return Task(
        name=name,
        shape=(width,),
        modes=modes,
        train=source,
        held_out=source,
        sample=sample,
        noise=noise,
        judge=mixture_posterior(source, sigma),
        proportions=np.full(modes, 1 / modes),
        reference_mean=exact.mean(0),
        reference_cov=np.cov(exact.T, ddof=0) + sigma**2 * np.eye(width),
        rms=float(np.sqrt(np.mean(exact**2) + sigma**2)),
        data_hash=hashlib.sha256(b"isotropic Gaussian mixture" + constants).hexdigest(),
        log_density=log_density,
    )


def _positive(task: str, **values: float) -> None:
    """Refuse values that are not above zero, by name."""
    for name, value in values.items():
        if not value > 0:
            raise BadInput(f"task {task}: {name} = {value}, must be above 0")
