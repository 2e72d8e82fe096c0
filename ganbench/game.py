"""The protocol: what a task, a net, a game, a recipe and a method are, and how they become one.

A *stabilizer* is a function `Recipe -> Recipe`. A recipe has typed slots (nets, game, opts,
schedule, rule, outer); a stabilizer replaces or wraps the ones it needs. `assembly.build` turns the
finished recipe into a `Method(init, step, generate)`, which is all that the harness knows.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NamedTuple

import jax
import optax

from ganbench.errors import BadInput
from ganbench.seeds import fold_name

Params = Any  # a pytree of arrays
Phase = tuple[str, ...]  # loss names that are moved together


#: What discriminators lack that are batch-normalised (see `Net.alone`), and penalties need.
SLOPE = "slope at a single sample"


class ProtocolError(BadInput):
    """A recipe that cannot be built: the message names the player, loss or stabilizers at fault."""


def require(holds: Any, message: str) -> None:
    """Raises ProtocolError(message) if `holds` is false, but not where it is still a tracer.

    For what two hyperparameters may not be together: they are numbers when a suite is checked.
    """
    if not isinstance(holds, jax.core.Tracer) and not holds:
        raise ProtocolError(message)


class Data(NamedTuple):
    """Where batches come from. The same key gives the same batch."""

    real: Callable[[jax.Array], jax.Array]  # key -> (batch, *shape)
    latent: Callable[[jax.Array], jax.Array]  # key -> (batch, latent)


def unchanged(params: Params, aux: Params, info: Mapping[str, jax.Array]) -> Params:
    """The `refresh` of a net whose aux never changes."""
    return aux


class Net(NamedTuple):
    """An architecture.

    init(key, *inputs) -> (params, aux), shapes inferred from example inputs;
    apply(params, aux, *inputs, key) -> output;
    refresh(params, aux, info) -> aux, called once after the net's player moved, with what the phase
    recorded.
    alone: whether what it makes of a sample depends on that sample alone. Under batch normalization
    it does not: a discriminator then has no slope at a single sample.
    """

    init: Callable[..., tuple[Params, Params]]
    apply: Callable[..., Any]
    refresh: Callable[[Params, Params, Mapping[str, jax.Array]], Params] = unchanged
    alone: bool = True


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
    `<loss>/<quantity>` to a scalar and is recorded in the phases that move that loss. Each loss is
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

    def step(
        self, grads: Params, state: Any, params: Params, value: jax.Array
    ) -> tuple[Params, Any]:
        """The moved parameters and the optimizer's next state; `value` is the player's loss."""
        direction = optax.with_extra_args_support(self.direction)
        updates, state = direction.update(grads, state, params, value=value)
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
    generate(state, key) -> a batch of samples. What wraps a method keeps its own state in `aux`.
    """

    init: Callable[[jax.Array], TrainState]
    step: Callable[[TrainState, jax.Array, jax.Array], tuple[TrainState, dict[str, jax.Array]]]
    generate: Callable[[TrainState, jax.Array], jax.Array]


class Recipe(NamedTuple):
    """A method in the making: six slots, what belongs to the task, and the claims.

    `zoo` maps a role ("generator", "discriminator", "encoder", "denoiser", "autoencoder") to the
    task's net for it; `steps` is the length of the training. `claims` lists (resource, stabilizer)
    for what is replaced, not wrapped; two claims to one resource make `build` raise, naming both.
    `needs` lists (resource, stabilizer) for what must be as it was: a claim to it makes `build`
    raise too.
    """

    nets: Mapping[str, Net]
    game: Game | None
    opts: Mapping[str, Optimizer]
    schedule: tuple[Phase, ...]
    rule: Rule
    outer: Callable[[Method], Method]
    zoo: Mapping[str, Net]
    steps: int
    claims: tuple[tuple[str, str], ...] = ()
    needs: tuple[tuple[str, str], ...] = ()

    def claim(self, stabilizer: str, *resources: str) -> "Recipe":
        """This recipe with `resources` marked as replaced by `stabilizer`."""
        return self._replace(claims=(*self.claims, *((name, stabilizer) for name in resources)))

    def need(self, stabilizer: str, *resources: str) -> "Recipe":
        """This recipe, whose `resources` nobody may replace as long as `stabilizer` is in it."""
        return self._replace(needs=(*self.needs, *((name, stabilizer) for name in resources)))


Stabilizer = Callable[[Recipe], Recipe]


def touched(stabilizer: Stabilizer, before: Recipe) -> tuple[str, ...]:
    """What of `before` the stabilizer replaces or wraps: slots and the zoo, found by looking."""
    after = stabilizer(before)
    kinds = [name for name in before._fields if name not in ("claims", "needs")]
    return tuple(name for name in kinds if getattr(before, name) is not getattr(after, name))


def compose(*stabilizers: Stabilizer) -> Stabilizer:
    """The stabilizers applied from left to right, as one."""
    return lambda recipe: reduce(lambda r, stabilizer: stabilizer(r), stabilizers, recipe)


def player(loss: str) -> str:
    """The player that minimises `loss`: "g" for "g.manifold"."""
    return loss.split(".")[0]


def is_discriminator(name: str) -> bool:
    """Whether a player judges samples: `d`, `d2`, ... by the project's naming.

    Its letter is d and what follows a number, so that a `decoder` is on the generator's side. What
    a wrapper keeps of a player in the state's aux is named `player/what` and goes with the player.
    """
    owner = name.split("/")[0]
    return owner[0] == "d" and (len(owner) == 1 or owner[1:].isdecimal())


def initialise(nets: Mapping[str, Net], key: jax.Array, name: str, *inputs: Any) -> tuple:
    """The first (params, aux) of player `name`, from a stream that depends on its name alone."""
    return nets[name].init(fold_name(key, name), *inputs)
