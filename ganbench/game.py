"""The protocol: what a task, a net, a game, a recipe and a method are, and how they become one.

A *stabilizer* is a function `Recipe -> Recipe`. A recipe has typed slots (nets, game, opts,
schedule, rule, outer); a stabilizer replaces or wraps the ones it needs. `build` turns the finished
recipe into a `Method(init, step, generate)`, which is all that the harness knows.
"""

import itertools
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.random import fold_in

from ganbench.errors import BadInput
from ganbench.seeds import fold_name

Params = Any  # a pytree of arrays
Phase = tuple[str, ...]  # loss names that are moved together


class ProtocolError(BadInput):
    """A recipe that cannot be built: the message names the player, loss or stabilizers at fault."""


class Data(NamedTuple):
    """Where batches come from. The same key gives the same batch."""

    real: Callable[[jax.Array], jax.Array]  # key -> (batch, *shape)
    latent: Callable[[jax.Array], jax.Array]  # key -> (batch, latent)


def unchanged(params: Params, aux: Params) -> Params:
    """The `refresh` of a net whose aux never changes."""
    return aux


class Net(NamedTuple):
    """An architecture.

    init(key, *inputs) -> (params, aux), shapes inferred from example inputs;
    apply(params, aux, *inputs, key) -> output;
    refresh(params, aux) -> aux, called once after the net's player moved.
    """

    init: Callable[..., tuple[Params, Params]]
    apply: Callable[..., Any]
    refresh: Callable[[Params, Params], Params] = unchanged


class Critic(NamedTuple):
    """What every discriminator returns."""

    score: jax.Array  # (batch,): a logit, a critic's value or an energy
    features: jax.Array  # (batch, width): its last hidden layer, or an autoencoder's code


class TrainState(NamedTuple):
    """All that a method carries from step to step, as dicts by player."""

    params: dict[str, Params]
    aux: dict[str, Params]  # whatever no optimizer touches
    opt: dict[str, Any]


class Players(NamedTuple):
    """The nets at their current parameters: `players("d", x, key=key)` applies `d` to `x`.

    Losses look nets up here when they are called, so a wrapped net reaches every loss, penalty and
    inner loop, whatever the order of wrapping.
    """

    nets: Mapping[str, Net]
    state: TrainState

    def __call__(self, name: str, *inputs: jax.Array, key: jax.Array | None = None) -> Any:
        params, aux = self.state.params[name], self.state.aux[name]
        return self.nets[name].apply(params, aux, *inputs, key=key)


class Game(NamedTuple):
    """Who plays and what each player minimises.

    init(nets, data, key) -> {player: (params, aux)};
    losses(players, data, key, t) -> ({"player" or "player.stage": scalar}, info), where info maps
    "<loss>/<quantity>" to a scalar and is recorded in the phases that move that loss. Each loss is
    differentiated with respect to its own player only, so no `stop_gradient` is needed.
    """

    init: Callable[..., dict[str, tuple[Params, Params]]]
    losses: Callable[..., tuple[dict[str, jax.Array], dict[str, jax.Array]]]


class Optimizer(NamedTuple):
    """A player's optimizer in three parts, so that a stabilizer changes one and keeps the others.

    A step is `constraint(params - rate * direction(gradient))`. The rate belongs to the task, the
    direction to the task or to a paper that prescribes one, the constraint (a projection, such as
    weight clipping) to a method.
    """

    direction: optax.GradientTransformation
    rate: Any  # a float or a traced scalar
    constraint: Callable[[Params], Params] = lambda params: params

    def init(self, params: Params) -> Any:
        return self.direction.init(params)

    def step(self, grads: Params, state: Any, params: Params) -> tuple[Params, Any]:
        """The moved parameters and the optimizer's next state."""
        updates, state = self.direction.update(grads, state, params)
        moved = jax.tree.map(lambda p, u: (p - self.rate * u).astype(p.dtype), params, updates)
        return self.constraint(moved), state


Objective = Callable[[TrainState, jax.Array, jax.Array], tuple[dict, dict]]


class Rule(NamedTuple):
    """How losses become moves.

    objective(objective, opts, nets) -> objective: what the players see (unrolling wraps it);
    phase(objective, opts, nets) -> phase, with phase(state, names, key, t) -> (state, info): how
    they move (descent, extragradient). Two fields, because wrapping one and replacing the other
    must commute.
    """

    objective: Callable[[Objective, Mapping, Mapping], Objective]
    phase: Callable[[Objective, Mapping, Mapping], Callable]


class Method(NamedTuple):
    """All that the harness knows.

    init(key) -> state; step(state, key, t) -> (state, info) with info a flat dict of scalars;
    generate(state, key) -> a batch of samples.
    """

    init: Callable[[jax.Array], Any]
    step: Callable[[Any, jax.Array, jax.Array], tuple[Any, dict[str, jax.Array]]]
    generate: Callable[[Any, jax.Array], jax.Array]


class Recipe(NamedTuple):
    """A method in the making: six slots, the zoo to draw further nets from, and the claims.

    `zoo` maps a role ("generator", "discriminator", "encoder", "denoiser", "autoencoder") to the
    task's net for it. `claims` lists (resource, stabilizer) for what is replaced, not wrapped; two
    claims to one resource make `build` raise, naming both.
    """

    nets: Mapping[str, Net]
    game: Game | None
    opts: Mapping[str, Optimizer]
    schedule: tuple[Phase, ...]
    rule: Rule
    outer: Callable[[Method], Method]
    zoo: Mapping[str, Net]
    claims: tuple[tuple[str, str], ...] = ()

    def claim(self, resource: str, stabilizer: str) -> "Recipe":
        """This recipe with `resource` marked as replaced by `stabilizer`."""
        return self._replace(claims=(*self.claims, (resource, stabilizer)))


Stabilizer = Callable[[Recipe], Recipe]


def compose(*stabilizers: Stabilizer) -> Stabilizer:
    """The stabilizers applied from left to right, as one."""
    return lambda recipe: reduce(lambda r, stabilizer: stabilizer(r), stabilizers, recipe)


def player(loss: str) -> str:
    """The player that minimises `loss`: "g" for "g.manifold"."""
    return loss.split(".")[0]


def is_discriminator(name: str) -> bool:
    """Whether a player judges samples: `d`, `d2`, ... by the project's naming.

    Its letter is d and what follows a number, so that a `decoder` is on the generator's side.
    """
    return name[0] == "d" and (len(name) == 1 or name[1:].isdecimal())


def initialise(nets: Mapping[str, Net], key: jax.Array, name: str, *inputs: Any) -> tuple:
    """The first (params, aux) of player `name`, from a stream that depends on its name alone."""
    return nets[name].init(fold_name(key, name), *inputs)


def _average(infos: list[dict[str, jax.Array]]) -> dict[str, jax.Array]:
    """Each entry's mean over the phases of one step that report it."""
    names = sorted(set(itertools.chain(*infos)))
    return {n: jnp.mean(jnp.stack([i[n] for i in infos if n in i])) for n in names}


def build(recipe: Recipe, data: Data) -> Method:
    """The method that `recipe` describes, on `data`.

    Called inside the traced function, so hyperparameters may be tracers. Phase keys come from the
    loss name and its how-manieth appearance in the schedule: editing the schedule moves no other
    stream.

    Raises:
        ProtocolError: two stabilizers claim one resource; no game; a phase names an unknown loss or
            one player twice; players, nets and optimizers differ; a loss is no scalar. When `step`
            is traced: it changes the state's tree, shapes or dtypes, or an info is no scalar.
    """
    game = checked_claims(recipe).game
    if game is None:
        raise ProtocolError("the recipe has no game: put a base such as nonsaturating first")

    def bare(state: TrainState, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        return game.losses(Players(recipe.nets, state), data, key, t)

    objective = recipe.rule.objective(bare, recipe.opts, recipe.nets)
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

    _check_game(recipe, data, init, bare)
    return _checked(recipe.outer(Method(init, step, generate)))


def checked_claims(recipe: Recipe) -> Recipe:
    """`recipe`, or ProtocolError naming two stabilizers that replace one thing."""
    owners: dict[str, str] = {}
    for resource, owner in recipe.claims:
        if resource in owners:
            raise ProtocolError(f"{owners[resource]} and {owner} both replace the {resource}")
        owners[resource] = owner
    return recipe


def _check_game(recipe: Recipe, data: Data, init: Callable, objective: Objective) -> None:
    key = jax.random.key(0)
    game = recipe.game
    assert game is not None
    try:
        made = jax.eval_shape(lambda k: game.init(recipe.nets, data, k), key)
    except KeyError as error:
        raise ProtocolError(f"the game needs a net for player {error}") from None
    if not set(made) == set(recipe.nets) == set(recipe.opts):
        raise ProtocolError(
            f"players {sorted(made)}, nets {sorted(recipe.nets)} and optimizers "
            f"{sorted(recipe.opts)} must be the same names"
        )
    losses, _ = jax.eval_shape(objective, jax.eval_shape(init, key), key, jnp.zeros((), jnp.int32))
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
