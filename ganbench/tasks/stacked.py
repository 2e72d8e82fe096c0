"""Three digits in the three channels of one image: a thousand modes."""

import hashlib
from functools import reduce

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ganbench.tasks.base import Task
from ganbench.tasks.digits import digits

CHANNELS = 3


def stacked_digits() -> Task:
    """Stacked MNIST's recipe on the 8 x 8 digits: three independent picks, one per channel.

    Digits a, b, c in channels 0, 1, 2 are mode 100 a + 10 b + c. `train` and `held_out` are the
    single digits, (images, 8, 8, 1), from which `sample` stacks with replacement; so p(a, b, c) =
    p(a) p(b) p(c), and the reference moments are exactly those of the product: the digits' feature
    mean three times over, and their covariance (ddof = 0) in three blocks, zero between channels.
    The judge is the digits' judge on each channel: its log p keeps the three apart, a sample is
    accepted when all its channels are, features are concatenated.

    Reference: Metz et al., Unrolled Generative Adversarial Networks, ICLR 2017, arXiv:1611.02163
    (there MNIST, 28 x 28).
    """
    single = digits()
    return single._replace(
        name="stacked-digits",
        shape=(8, 8, CHANNELS),
        modes=single.modes**CHANNELS,
        sample=_stack,
        noise=_noise,
        proportions=reduce(np.kron, [single.proportions] * CHANNELS),
        reference_mean=np.tile(single.reference_mean, CHANNELS),
        reference_cov=np.kron(np.eye(CHANNELS), single.reference_cov),
        data_hash=hashlib.sha256(f"{CHANNELS} stacked {single.data_hash}".encode()).hexdigest(),
        fixed=False,
    )


def _stack(key: jax.Array, source: jax.Array, batch: int) -> jax.Array:
    """(batch, 8, 8, 3): for each channel an image of `source`, (images, 8, 8, 1), picked alone."""
    index = jr.randint(key, (batch, CHANNELS), 0, len(source))
    return jnp.moveaxis(jnp.asarray(source)[index, ..., 0], 1, -1)


def _noise(key: jax.Array, batch: int) -> jax.Array:
    """Images of independent pixels, uniform on [-1, 1]."""
    return jr.uniform(key, (batch, 8, 8, CHANNELS), minval=-1.0, maxval=1.0)
