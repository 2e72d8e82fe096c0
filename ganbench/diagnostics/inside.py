"""A game seen from inside: what a diagnostic is given, and what it gives."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from ganbench.assembly import assemble, objective_of
from ganbench.game import (
    Data,
    Method,
    Objective,
    Players,
    ProtocolError,
    Recipe,
    TrainState,
)
from ganbench.setting import Setting, data


class Inside(NamedTuple):
    """A method's game with all that it is played with."""

    recipe: Recipe
    setting: Setting
    seen: Data  # batches of the training data
    unseen: Data  # the same of the held-out data
    method: Method

    def players(self, state: TrainState) -> Players:
        """The nets at their parameters in `state`."""
        return Players(self.recipe.nets, state)

    def objective(self, source: Data) -> Objective:
        """(state, key, t) -> (losses, info) on batches of `source`, as the players see them."""
        return objective_of(self.recipe, source)

    def scheduled(self) -> tuple[str, ...]:
        """The losses that a step moves, each once, in the schedule's order."""
        return tuple(dict.fromkeys(name for phase in self.recipe.schedule for name in phase))


Measure = Callable[[TrainState, jax.Array, jax.Array], dict[str, jax.Array]]
Reduce = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
Told = Callable[[Sequence[Mapping[str, np.ndarray]]], dict[str, np.ndarray]]


def unchanged(measured: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The `reduced` of what the device measures to the end."""
    return measured


def each_once(seen: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Every number as it was measured, as its mean over the games where a method has several."""
    return {name: np.array([float(one[name].mean()) for one in seen]) for name in seen[0]}


class Diagnostic(NamedTuple):
    """Something measured of a game between two chunks of training.

    measure(inside) -> (state, key, t) -> {quantity: array}, traced and vmapped over lanes; the key
    is the same at every evaluation, so that batch and noise are frozen. Empty for a game that has
    no such quantity. reduced(measured) -> {quantity: array}, on the host after each evaluation,
    with lanes and games in front: what is not to be done on the device, such as factoring matrices.
    For that XLA calls LAPACK, which on a CPU splits a batch over the threads that it runs on
    itself: with a program on each device all of them wait for each other, for ever. told(reduced at
    each evaluation) -> {quantity: (evaluations,)}, on the host, of one lane.
    """

    measure: Callable[[Inside], Measure]
    summary: str
    told: Told = each_once
    reduced: Reduce = unchanged


def inside(recipe: Recipe, setting: Setting) -> Inside:
    """The game of `recipe`, which passed `assembly.check`."""
    seen, unseen = data(setting), data(setting._replace(train=setting.held_out))
    return Inside(recipe, setting, seen, unseen, assemble(recipe, seen))


def on_games(inside: Inside, measure: Measure) -> Measure:
    """`measure` of each game that a method's state holds, stacked: one game, or one a pair of GAP.

    What wraps a method may hold several games along a leading axis of the state, or keep more in
    the state beside the game's own; which of these is found by looking at shapes.

    Raises (when called):
        ProtocolError: the state holds the game in neither way.
    """
    alone = assemble(inside.recipe._replace(outer=lambda method: method), inside.seen)

    def measured(state: TrainState, key: jax.Array, t: jax.Array) -> dict[str, jax.Array]:
        plain = jax.eval_shape(alone.init, key)
        own = TrainState(*map(_named, state, plain))
        shapes = [
            (x.shape, like.shape)
            for x, like in zip(jax.tree.leaves(own), jax.tree.leaves(plain), strict=True)
        ]
        if all(mine == like for mine, like in shapes):
            own = jax.tree.map(lambda x: x[None], own)
        elif not all(mine[1:] == like for mine, like in shapes):
            raise ProtocolError("a diagnostic cannot find the game in this method's state")
        return jax.vmap(measure, (0, None, None))(own, key, t)

    return measured


def _named(part: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, Any]:
    if not like.keys() <= part.keys():
        raise ProtocolError("a diagnostic cannot find the game in this method's state")
    return {name: part[name] for name in like}
