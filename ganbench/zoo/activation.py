"""The activation between hidden layers, which a stabilizer may replace by one that is learnt."""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

LEAST = 0.1  # of a learnt shape's two parameters, as recalled from the paper


class Activation(nn.Module):
    """`function` of a hidden layer, as a module, so that `with_pelu` finds it."""

    function: Callable[[jax.Array], jax.Array]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return self.function(x)


def leaky(x: jax.Array, slope: float = 0.2) -> jax.Array:
    """max(x, slope x), slope in [0, 1]. To be called inside a module, anew for every layer."""
    return Activation(partial(nn.leaky_relu, negative_slope=slope))(x)


def relu(x: jax.Array) -> jax.Array:
    """max(x, 0). To be called inside a module."""
    return Activation(nn.relu)(x)


def pelu(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """(a / b) x where x >= 0, a (exp(x / b) - 1) below; a, b > 0 scalars."""
    # what is not taken is kept from overflowing: its gradient would be NaN
    return jnp.where(x >= 0, a / b * x, a * jnp.expm1(jnp.minimum(x, 0) / b))


def _learnt(call: Callable, arguments: tuple, keywords: dict, context: Any) -> jax.Array:
    if not isinstance(context.module, Activation) or context.method_name != "__call__":
        return call(*arguments, **keywords)
    (x,) = arguments
    # 1 plus a parameter that starts at 0, as biases do
    shape = [context.module.param(n, nn.initializers.zeros, (), x.dtype) for n in ("a", "b")]
    return pelu(x, *(_at_least(1 + p) for p in shape))


def _at_least(p: jax.Array) -> jax.Array:
    """max(p, LEAST) with p's gradient on both sides: a shape below the bound can come back."""
    return p + jax.lax.stop_gradient(jnp.maximum(p, LEAST) - p)


def with_pelu() -> Any:
    """A context in which every `Activation` is a PELU with parameters a and b of its own."""
    return nn.intercept_methods(_learnt)
