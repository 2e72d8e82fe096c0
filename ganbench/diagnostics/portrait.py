"""Where the two numbers of a game go from any start: what its phase portrait is drawn of."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganbench.errors import BadInput, choices
from ganbench.game import Optimizer
from ganbench.registry import make, resolve
from ganbench.setting import Setting
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import Sizes, zoo

BATCH = 256  # of methods that draw noise; all others see the same points whatever it is
NONE: Mapping[str, Any] = MappingProxyType({})


def paths(
    task: str,
    method: str,
    starts: np.ndarray,
    steps: int,
    rate: float = 0.2,
    hyperparameters: Mapping[str, Any] = NONE,
    seed: int = 0,
) -> np.ndarray:
    """The players' points (theta, psi) before the first step and after each: (n, steps + 1, 2).

    By gradient descent, from wherever: a run of a suite starts at (1, 1). One step from every
    point of a grid is the field of the method there, with nothing to remember of steps before.

    Args:
        task: `dirac` or `bilinear`.
        method: a stack, whose generator and discriminator are of `points` nets.
        starts: (n, 2) the players' points at first.
        rate: of both players; the default is that of Mescheder et al.'s notebook, arXiv 1801.04406.
        hyperparameters: as in a suite file, by `name.parameter`.

    Raises:
        BadInput: another task; an unknown method or hyperparameter; a method without such players.
        ProtocolError: two parts of the stack at odds.
    """
    if task not in TASKS:
        raise BadInput(f"unknown task {task!r}; known: {choices(TASKS)}")
    made = TASKS[task]()
    shown = made.shown
    if shown is None:
        raise BadInput(f"task {task!r} is no game of two numbers; dirac and bilinear are")
    train = jnp.asarray(made.train)
    nets, optimizer = zoo("points", Sizes(made.shape, 1, 1, 1)), Optimizer(optax.identity(), rate)
    setting = Setting(made, train, train, BATCH, 1, steps, nets, optimizer)
    built = make(method, resolve(method, hyperparameters), setting)
    key = jax.random.key(seed)

    def path(start: jax.Array) -> jax.Array:
        def step(state: Any, t: jax.Array) -> tuple[Any, jax.Array]:
            state, _ = built.step(state, jax.random.fold_in(key, t), t)
            return state, shown(state.params)

        first = built.init(key)
        placed = first._replace(params=_placed(first.params, start))
        return jnp.vstack([shown(placed.params), jax.lax.scan(step, placed, jnp.arange(steps))[1]])

    return np.asarray(jax.jit(jax.vmap(path))(jnp.asarray(starts, jnp.float32)))


def _placed(params: Any, point: jax.Array) -> Any:
    """`params` with the generator's number and the discriminator's at `point`."""
    values = {"theta": point[0], "psi": point[1]}

    def place(path: Any, leaf: jax.Array) -> jax.Array:
        found = [x for name, x in values.items() if path[-1] == jax.tree_util.DictKey(name)]
        return jnp.full_like(leaf, found[0]) if found else leaf

    return jax.tree_util.tree_map_with_path(place, params)
