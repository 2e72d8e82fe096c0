"""From a recipe to a method: what is checked, and how the slots become one step."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
from jax.random import fold_in

from ganbench.game import (
    Data,
    Game,
    Method,
    Objective,
    Players,
    ProtocolError,
    Recipe,
    TrainState,
    player,
)
from ganbench.seeds import fold_name


def _average(infos: list[dict[str, jax.Array]]) -> dict[str, jax.Array]:
    """Each entry's mean over the phases of one step that report it."""
    names = sorted(set(itertools.chain(*infos)))
    return {n: jnp.mean(jnp.stack([i[n] for i in infos if n in i])) for n in names}


def build(recipe: Recipe, data: Data) -> Method:
    """The method that `recipe` describes, on `data`, once the recipe is found to be in order.

    Called inside the traced function, so hyperparameters may be tracers.

    Raises:
        ProtocolError: two stabilizers at odds over a resource; no game; a phase names an unknown
            loss or one player twice; players, nets and optimizers differ; a loss is no scalar. When
            `step` is traced: it changes the state's tree, shapes or dtypes, or returns info that is
            no scalar.
    """
    check(recipe, data)
    return assemble(recipe, data)


def objective_of(recipe: Recipe, data: Data) -> Objective:
    """The losses of `recipe` on batches of `data`, as its players see them."""
    game = _game(recipe)

    def bare(state: TrainState, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        return game.losses(Players(recipe.nets, state), data, key, t)

    return recipe.rule.objective(bare, recipe.opts, recipe.nets)


def assemble(recipe: Recipe, data: Data) -> Method:
    """`build` without its checks, for a recipe that passed them: they trace the game once more.

    Phase keys come from the loss name and its how-manieth appearance in the schedule: editing the
    schedule moves no other stream.
    """
    game, objective = _game(recipe), objective_of(recipe, data)
    phase = recipe.rule.phase(objective, recipe.opts, recipe.nets)

    def init(key: jax.Array) -> TrainState:
        made = game.init(recipe.nets, data, key)
        params = {n: p for n, (p, _) in made.items()}
        aux = {n: a for n, (_, a) in made.items()}
        return TrainState(params, aux, {n: recipe.opts[n].init(p) for n, p in params.items()})

    def step(state: TrainState, key: jax.Array, t: jax.Array) -> tuple[TrainState, dict]:
        infos, seen = [], dict.fromkeys((names[0] for names in recipe.schedule), 0)
        for names, run in itertools.groupby(recipe.schedule):
            stream, first, count = fold_name(key, names[0]), seen[names[0]], len(list(run))
            seen[names[0]] += count

            def move(state, i, names=names, stream=stream):
                return phase(state, names, fold_in(stream, i), t)

            if count == 1:
                state, info = move(state, first)
            else:  # equal neighbours (critic steps) are one compiled loop body, not copies
                state, info = jax.lax.scan(move, state, jnp.arange(first, first + count))
            infos.append({n: v.mean() for n, v in info.items()})
        return state, _average(infos)

    def generate(state: TrainState, key: jax.Array) -> jax.Array:
        return Players(recipe.nets, state)("g", data.latent(key), key=fold_name(key, "generate"))

    return _checked(recipe.outer(Method(init, step, generate)))


def check_claims(recipe: Recipe) -> None:
    """Raises ProtocolError naming two stabilizers at odds over one thing."""
    owners: dict[str, str] = {}
    for resource, owner in recipe.claims:
        if resource in owners:
            raise ProtocolError(f"{owners[resource]} and {owner} both replace the {resource}")
        owners[resource] = owner
    for resource, user in recipe.needs:
        if resource in owners:
            raise ProtocolError(f"{user} needs the {resource}, which {owners[resource]} replaces")


def _game(recipe: Recipe) -> Game:
    if recipe.game is None:
        raise ProtocolError("the recipe has no game: put a base such as nonsaturating first")
    return recipe.game


def check(recipe: Recipe, data: Data) -> None:
    """Raises ProtocolError where `recipe` cannot be built on `data`; see `build`."""
    check_claims(recipe)
    game, key = _game(recipe), jax.random.key(0)

    class Nets(dict):
        def __missing__(self, name: str):
            raise ProtocolError(f"the game needs a net for player {name!r}")

    made = jax.eval_shape(lambda k: game.init(Nets(recipe.nets), data, k), key)
    if not set(made) == set(recipe.nets) == set(recipe.opts):
        raise ProtocolError(
            f"players {sorted(made)}, nets {sorted(recipe.nets)} and optimizers "
            f"{sorted(recipe.opts)} must be the same names"
        )
    params, aux = ({n: x[i] for n, x in made.items()} for i in (0, 1))

    def objective(params, aux):
        state = TrainState(params, aux, {})
        return game.losses(Players(recipe.nets, state), data, key, jnp.zeros((), jnp.int32))

    losses, _ = jax.eval_shape(objective, params, aux)
    for name, loss in losses.items():
        if player(name) not in made:
            raise ProtocolError(f"loss {name!r} belongs to no player; players: {sorted(made)}")
        if loss.shape != ():
            raise ProtocolError(f"loss {name!r} must be a scalar, its shape is {loss.shape}")
    for phase in recipe.schedule:
        for name in phase:
            if name not in losses:
                raise ProtocolError(f"phase {phase} names no loss {name!r}; losses: {list(losses)}")
        if len({player(name) for name in phase}) < len(phase):
            raise ProtocolError(f"phase {phase} moves one player twice")


def _checked(method: Method) -> Method:
    """`method`, whose step looks at what it returns whenever it is traced: no trace of its own."""

    def step(state: TrainState, key: jax.Array, t: jax.Array) -> tuple[TrainState, dict]:
        after, info = method.step(state, key, t)
        if not isinstance(after, TrainState):
            raise ProtocolError(f"step returns a {type(after).__name__} for its TrainState")
        trees: list[Any] = [jax.tree.structure(state), jax.tree.structure(after)]
        if trees[0] != trees[1]:
            raise ProtocolError("step changes the state's tree")
        for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
            if (jnp.shape(a), jnp.result_type(a)) != (jnp.shape(b), jnp.result_type(b)):
                raise ProtocolError(f"step changes a state leaf from {a} to {b}")
        for name, value in info.items():
            if jnp.shape(value) != ():
                raise ProtocolError(f"info {name!r} must be a scalar, its shape is {value.shape}")
        return after, info

    return method._replace(step=step)
