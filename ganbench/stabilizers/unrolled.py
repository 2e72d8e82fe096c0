"""The generator looks ahead at the discriminator it will have caused (Metz et al. 2017)."""

from collections.abc import Mapping
from typing import Annotated

import jax
from annotated_types import Ge

from ganbench.game import (
    Objective,
    ProtocolError,
    Stabilizer,
    TrainState,
    compose,
    is_discriminator,
    player,
)
from ganbench.wrapping import needs, wrap_objective


def look_ahead(
    objective: Objective, opts: Mapping, state: TrainState, key: jax.Array, t: jax.Array, steps: int
) -> TrainState:
    """`state` with every discriminator moved `steps` times by its own optimizer, differentiably.

    All steps see the phase's one batch and noise; the players' own state is not advanced.
    """

    def inner(carry, _):
        params, opt = carry
        at = state._replace(params={**state.params, **params})

        def loss_of(name, mine):
            losses, _ = objective(at._replace(params={**at.params, name: mine}), key, t)
            if name not in losses:
                raise ProtocolError(f"unrolled: {name} has no loss of its name: {list(losses)}")
            return losses[name]

        moved_params, moved_opt = {}, {}
        for name, mine in params.items():
            value, grad = jax.value_and_grad(lambda p, name=name: loss_of(name, p))(mine)
            moved_params[name], moved_opt[name] = opts[name].step(grad, opt[name], mine, value)
        return (moved_params, moved_opt), None

    judges = [name for name in state.params if is_discriminator(name)]
    start = ({n: state.params[n] for n in judges}, {n: state.opt[n] for n in judges})
    (ahead, _), _ = jax.lax.scan(inner, start, length=steps)
    return state._replace(params={**state.params, **ahead})


def unrolled(steps: Annotated[int, Ge(0)] = 5) -> Stabilizer:
    """The generator's loss is taken at the discriminator that `steps` further moves would reach.

    Formula:
        theta_D^0 = theta_D;  theta_D^{k+1} = one step of D's own optimizer from theta_D^k;
        L_G(theta_G) = -L_D(theta_G, theta_D^K(theta_G, theta_D)), differentiated through all K
        steps. D itself takes one ordinary step from theta_D^0. Without a base in the stack the
        game is `minimax`, as published; with another base its own generator loss looks ahead.

    Args:
        steps: K, >= 0; static. 0 is the plain game.

    Every player that is no discriminator looks ahead; the paper moves both players from one state,
    here the task's alternation holds for all methods alike. A lazy penalty is in all inner steps of
    a step or in none.

    Reference:
        Metz, Poole, Pfau, Sohl-Dickstein, "Unrolled Generative Adversarial Networks", ICLR 2017,
        arXiv 1611.02163, equations 7 to 10; K = 5 and the replayed Adam steps as in the authors'
        notebook (`poolio/unrolled_gan`).
    """

    def wrap(plain: Objective, opts: Mapping) -> Objective:
        def objective(state: TrainState, key: jax.Array, t: jax.Array):
            now, info = plain(state, key, t)
            later, _ = plain(look_ahead(plain, opts, state, key, t, steps), key, t)
            return {n: (now if is_discriminator(player(n)) else later)[n] for n in now}, info

        return objective

    return compose(needs("unrolled", "discriminator", "slope's own slope"), wrap_objective(wrap))
