"""How a phase moves its players: gradients, updates, and plain descent."""

from collections.abc import Mapping, Sequence

import jax
import optax

from ganbench.game import Net, Objective, Optimizer, Params, Phase, Rule, TrainState, player


def gradients(
    objective: Objective, state: TrainState, names: Sequence[str], key: jax.Array, t: jax.Array
) -> tuple[dict[str, Params], dict[str, jax.Array]]:
    """The gradient of each named loss with respect to its own player, and what to record.

    Returns ({player: gradient}, info) with info holding `loss/<name>`, `grad_norm/<player>` and the
    game's own entries for the named losses. Entries of other losses are dropped, so that XLA drops
    their computation too.
    """

    def one(name: str) -> tuple[Params, dict[str, jax.Array]]:
        mine = player(name)

        def loss_of(params: Params) -> tuple[jax.Array, dict]:
            losses, info = objective(state._replace(params={**state.params, mine: params}), key, t)
            return losses[name], {k: v for k, v in info.items() if k.split("/")[0] == name}

        (loss, info), grad = jax.value_and_grad(loss_of, has_aux=True)(state.params[mine])
        return grad, {**info, f"loss/{name}": loss, f"grad_norm/{mine}": optax.tree.norm(grad)}

    made = {name: one(name) for name in names}
    info = {k: v for _, part in made.values() for k, v in part.items()}
    return {player(name): grad for name, (grad, _) in made.items()}, info


def apply_updates(
    state: TrainState,
    grads: Mapping[str, Params],
    opts: Mapping[str, Optimizer],
    nets: Mapping[str, Net],
) -> tuple[TrainState, dict[str, jax.Array]]:
    """Each player moved by its optimizer, its net's aux refreshed; and `update_norm/<player>`."""
    params, aux, opt = dict(state.params), dict(state.aux), dict(state.opt)
    info = {}
    for name, grad in grads.items():
        params[name], opt[name] = opts[name].step(grad, opt[name], params[name])
        aux[name] = nets[name].refresh(params[name], aux[name])
        moved = optax.tree.sub(params[name], state.params[name])
        info[f"update_norm/{name}"] = optax.tree.norm(moved)
    return TrainState(params, aux, opt), info


def _descent_phase(objective: Objective, opts: Mapping, nets: Mapping):
    def phase(state: TrainState, names: Phase, key: jax.Array, t: jax.Array):
        grads, info = gradients(objective, state, names, key, t)
        state, moved = apply_updates(state, grads, opts, nets)
        return state, {**info, **moved}

    return phase


def _as_it_is(objective: Objective, opts: Mapping, nets: Mapping) -> Objective:
    return objective


#: Every named player takes one step of its own optimizer down its own loss, all from one state.
descent = Rule(objective=_as_it_is, phase=_descent_phase)
