"""How a phase moves its players: gradients, updates, and plain descent."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import optax

from ganbench.game import Net, Objective, Optimizer, Params, Phase, Rule, TrainState, player


class Slope(NamedTuple):
    """What a player's optimizer is given: its loss and the gradient of it."""

    grad: Params
    value: jax.Array


def gradients(
    objective: Objective, state: TrainState, names: Sequence[str], key: jax.Array, t: jax.Array
) -> tuple[dict[str, Slope], dict[str, jax.Array]]:
    """The slope of each named loss with respect to its own player, and what to record.

    Returns ({player: slope}, info) with info holding `loss/<name>`, `grad_norm/<player>` and the
    game's own entries for the named losses. Entries of other losses are dropped, so that XLA drops
    their computation too.
    """

    def one(name: str) -> tuple[Slope, dict[str, jax.Array]]:
        mine = player(name)

        def loss_of(params: Params) -> tuple[jax.Array, dict]:
            losses, info = objective(state._replace(params={**state.params, mine: params}), key, t)
            return losses[name], {k: v for k, v in info.items() if k.split("/")[0] == name}

        (loss, info), grad = jax.value_and_grad(loss_of, has_aux=True)(state.params[mine])
        return Slope(grad, loss), {
            **info,
            f"loss/{name}": loss,
            f"grad_norm/{mine}": optax.tree.norm(grad),
        }

    made = {name: one(name) for name in names}
    info = {k: v for _, part in made.values() for k, v in part.items()}
    return {player(name): slope for name, (slope, _) in made.items()}, info


def apply_updates(
    state: TrainState,
    slopes: Mapping[str, Slope],
    info: Mapping[str, jax.Array],
    opts: Mapping[str, Optimizer],
    nets: Mapping[str, Net],
) -> tuple[TrainState, dict[str, jax.Array]]:
    """Each player moved by its optimizer, its net's aux refreshed; and `update_norm/<player>`.

    `slopes` and `info` are what `gradients` returned for the phase.
    """
    params, aux, opt = dict(state.params), dict(state.aux), dict(state.opt)
    norms = {}
    for name, (grad, value) in slopes.items():
        params[name], opt[name] = opts[name].step(grad, opt[name], params[name], value)
        aux[name] = nets[name].refresh(params[name], aux[name], info)
        moved = optax.tree.sub(params[name], state.params[name])
        norms[f"update_norm/{name}"] = optax.tree.norm(moved)
    return TrainState(params, aux, opt), norms


def _descent_phase(objective: Objective, opts: Mapping, nets: Mapping):
    def phase(state: TrainState, names: Phase, key: jax.Array, t: jax.Array):
        slopes, info = gradients(objective, state, names, key, t)
        state, moved = apply_updates(state, slopes, info, opts, nets)
        return state, {**info, **moved}

    return phase


def _as_it_is(objective: Objective, opts: Mapping, nets: Mapping) -> Objective:
    return objective


#: Every named player takes one step of its own optimizer down its own loss, all from one state.
descent = Rule(objective=_as_it_is, phase=_descent_phase)
