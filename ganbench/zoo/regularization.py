"""What may stand between a layer and its rectifier: normalization by the batch, dropout."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

EPSILON = 1e-5


class BatchNorm(nn.Module):
    """(x - mean) / sqrt(variance + 1e-5) of the batch, times a scale, plus a shift.

    Mean and variance are over all axes but the last, the batch's own in training and in sampling:
    no state to average, copy or forget. What is made of one sample so depends on the others.

    Reference: Ioffe, Szegedy, "Batch Normalization", ICML 2015, arXiv 1502.03167.
    """

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        scale = self.param("scale", nn.initializers.ones, x.shape[-1:], x.dtype)
        shift = self.param("shift", nn.initializers.zeros, x.shape[-1:], x.dtype)
        over = tuple(range(x.ndim - 1))
        centred = x - x.mean(over)
        return centred / jnp.sqrt((centred**2).mean(over) + EPSILON) * scale + shift


class Dropout(nn.Module):
    """Each value is 0 with probability `rate`, else divided by 1 - rate; new every time.

    The rate may be a tracer, 0 among its values, so that settings with and without are lanes of one
    program.

    Reference: Srivastava et al., "Dropout", JMLR 15, 2014.
    """

    rate: Any

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kept = jax.random.bernoulli(self.make_rng("dropout"), 1 - self.rate, x.shape)
        return jnp.where(kept, x / (1 - self.rate), 0.0).astype(x.dtype)
