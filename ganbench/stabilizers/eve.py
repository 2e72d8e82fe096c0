"""Adam whose step follows how the loss itself changes (Koushik and Hayashi 2016)."""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge, Gt, Lt

from ganbench.game import Params, Stabilizer, compose, require
from ganbench.wrapping import after_direction, needs


def feedback(decay, low, high) -> optax.GradientTransformationExtraArgs:
    """Divides the updates by d_t, a running mean of the loss's relative change; see `eve`."""

    def init(params: Params) -> Any:
        return {"moves": jnp.zeros((), jnp.int32), "loss": jnp.zeros(()), "d": jnp.ones(())}

    def update(updates: Params, state: Any, params: Params = None, *, value: jax.Array):
        f = jnp.abs(value)
        first = (state["moves"] == 0) | (state["loss"] == 0)  # a mean of 0 would stay 0 for ever
        before = jnp.where(first, 1.0, state["loss"])  # no division by 0, nor in the derivative
        grown = f >= before
        least = jnp.where(grown, low + 1, 1 / (high + 1))
        most = jnp.where(grown, high + 1, 1 / (low + 1))
        smooth = jnp.clip(f / before, least, most) * before
        change = jnp.abs(smooth - before) / jnp.minimum(smooth, before)
        d = decay * state["d"] + (1 - decay) * change
        d, smooth = jnp.where(first, 1.0, d), jnp.where(first, f, smooth)
        made = {"moves": state["moves"] + 1, "loss": smooth, "d": d}
        made = jax.tree.map(lambda new, old: new.astype(old.dtype), made, state)
        return jax.tree.map(lambda u: (u / d).astype(u.dtype), updates), made

    return optax.GradientTransformationExtraArgs(init, update)


def eve(
    decay: Annotated[float, Ge(0), Lt(1)] = 0.999,
    low: Annotated[float, Gt(0)] = 0.1,
    high: Annotated[float, Gt(0)] = 10.0,
) -> Stabilizer:
    """Every player's step is divided by how much its loss changes from step to step.

    Formula:
        theta -= rate u_t / d_t, u_t Adam's direction;  d_1 = 1,
        d_t = decay d_{t-1} + (1 - decay) |s_t - s_{t-1}| / min(s_t, s_{t-1});
        s_t = c_t s_{t-1}, c_t = f_t / s_{t-1} clipped to [low + 1, high + 1] where the loss has
        grown (f_t >= s_{t-1}) and to [1 / (high + 1), 1 / (low + 1)] where it has fallen.

    Args:
        decay: beta_3, in [0, 1); traced.
        low: k, the least relative change that counts, > 0; traced.
        high: K, the largest, no less than `low`; traced.

    Made for a loss above 0; a player's loss in a game may be of either sign, so f_t is its absolute
    value. Where the estimate s is 0, it starts anew.

    Raises, when the method is built:
        ProtocolError: `low` above `high`.

    In the suites:
        Few modes of the grid: the method at the task's rate. Losses of a game change little, so
        that it divides by less than 1 and steps are larger; at a quarter of the rate the same code
        covers most.

    Reference:
        Koushik, Hayashi, "Improving Stochastic Gradient Descent with Feedback", arXiv 1611.01505v1
        (2016), algorithm 1, with its defaults (k = 0.1, K = 10, beta_3 = 0.999).
    """

    require(low <= high, f"eve: low is {low}, more than high, which is {high}")
    resources = "generator's one loss", "one move a step"
    return compose(needs("eve", *resources), after_direction(feedback(decay, low, high)))
