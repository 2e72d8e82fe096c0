"""Annealed normal noise on every gradient (Neelakantan et al. 2015)."""

from collections.abc import Mapping
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jax.flatten_util import ravel_pytree

from ganbench.game import Objective, Params, Stabilizer, TrainState, player
from ganbench.seeds import fold_name
from ganbench.wrapping import wrap_objective


def _slope(params: Params, key: jax.Array, deviation) -> jax.Array:
    """A number that is 0, with gradient deviation * N(0, I)."""
    flat, _ = ravel_pytree(params)
    noise = jax.random.normal(key, flat.shape, flat.dtype)
    return deviation * jnp.sum(noise * (flat - jax.lax.stop_gradient(flat)))


def gradient_noise(
    eta: Annotated[float, Ge(0)] = 0.01, decay: Annotated[float, Ge(0)] = 0.55
) -> Stabilizer:
    """Adds normal noise to every player's gradient, less with every step.

    Formula:
        grad_t += N(0, sigma_t^2 I),  sigma_t^2 = eta / (1 + t)^decay.

    Args:
        eta: variance at the first step, >= 0, in squared units of the gradient; traced. The least
            of the paper's {0.01, 0.3, 1}.
        decay: exponent gamma, >= 0; traced.

    The noise is a term of the loss whose value is 0, so what comes after it in a stack and uses
    gradients meets it: an extrapolation, Adam's moments, a look-ahead (one draw for all its steps).

    In the suites:
        Behind on ring and grid: the method's noise, larger than these gradients. With a variance of
        1e-4 the same code fares like the plain method.

    Reference:
        Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach, Martens, "Adding Gradient Noise Improves
        Learning for Very Deep Networks", arXiv 1511.06807 (2015), equation 1.
    """

    def wrap(plain: Objective, opts: Mapping) -> Objective:
        def objective(state: TrainState, key: jax.Array, t: jax.Array):
            losses, info = plain(state, key, t)
            deviation = jnp.sqrt(eta / (1.0 + t) ** decay)

            def noised(name: str, loss: jax.Array) -> jax.Array:
                own = fold_name(key, f"gradient noise {name}")
                return loss + _slope(state.params[player(name)], own, deviation).astype(loss.dtype)

            return {name: noised(name, loss) for name, loss in losses.items()}, info

        return objective

    return wrap_objective(wrap)
