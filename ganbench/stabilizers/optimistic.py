"""Gradients corrected by what they were one step ago (Daskalakis et al. 2018)."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from ganbench.game import Params, Stabilizer, compose
from ganbench.wrapping import after_direction, needs


def optimism() -> optax.GradientTransformation:
    """u_t -> 2 u_t - u_{t-1}, with u_0 taken for the one before: the first step is a plain one."""

    def init(params: Params) -> Any:
        return jnp.zeros((), bool), jax.tree.map(jnp.zeros_like, params)

    def update(updates: Params, state: Any, params: Params = None) -> tuple[Params, Any]:
        started, before = state
        before = jax.tree.map(lambda u, b: jnp.where(started, b, u), updates, before)
        ahead = jax.tree.map(lambda u, b: 2 * u - b, updates, before)
        return ahead, (jnp.ones((), bool), updates)

    return optax.GradientTransformation(init, update)


def optimistic_adam() -> Stabilizer:
    """Every player steps along twice its direction, less the direction of the step before.

    Formula:
        theta_{t+1} = theta_t - 2 rate u_t + rate u_{t-1};  u_t is Adam's direction (without
        Nesterov's look-ahead), or whatever direction the stack moves along; u_{-1} = u_0.

    Args:
        None. A modifier: rate and moments are the task's.

    Public code disagrees about the first step: `omd.py` takes u_{-1} = 0. Optax's
    `optimistic_adam` defaults to Nesterov's variant of Adam, which is not the paper's.

    Reference:
        Daskalakis, Ilyas, Syrgkanis, Zeng, "Training GANs with Optimism", ICLR 2018,
        arXiv 1711.00141, algorithm 1.
    """

    resources = "generator's one loss", "one move a step"
    return compose(needs("optimistic-adam", *resources), after_direction(optimism()))
