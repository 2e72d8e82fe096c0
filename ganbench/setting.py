"""What a method is built in: a task's data on the device, its nets, its optimizer."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ganbench.game import (
    SLOPE,
    Data,
    Method,
    Net,
    Optimizer,
    Phase,
    Recipe,
    Stabilizer,
    TrainState,
    player,
)
from ganbench.rules import descent
from ganbench.seeds import fold_name
from ganbench.tasks.base import Task


class Setting(NamedTuple):
    """All that belongs to the task and is the same for every method.

    `train` and `held_out` are the task's arrays as arguments of the compiled program; `latent` is
    the latent's width; `steps` the training's length; `optimizer` may hold a traced rate.
    """

    task: Task
    train: jax.Array
    held_out: jax.Array
    batch: int
    latent: int
    steps: int
    zoo: Mapping[str, Net]
    optimizer: Optimizer
    d_optimizer: Optimizer | None = None  # of the discriminators; as all others' if None
    d_steps: int = 1  # moves of `d` in a pass of the schedule
    g_steps: int = 1  # moves of `g`


def data(setting: Setting) -> Data:
    """Batches of real samples, and of latents z ~ N(0, I)."""

    def real(key: jax.Array) -> jax.Array:
        return setting.task.sample(fold_name(key, "real"), setting.train, setting.batch)

    def latent(key: jax.Array) -> jax.Array:
        shape, stored = (setting.batch, setting.latent), setting.train.dtype
        dtype = stored if jnp.issubdtype(stored, jnp.floating) else jnp.float32
        return jax.random.normal(fold_name(key, "latent"), shape, dtype)

    return Data(real, latent)


def plain(setting: Setting) -> Recipe:
    """The recipe that every stack starts from: two nets, the task's optimizer, no game yet."""
    nets = {"g": setting.zoo["generator"], "d": setting.zoo["discriminator"]}
    together = () if nets["d"].alone else ((SLOPE, "batch normalization"),)
    return Recipe(
        nets=nets,
        game=None,
        opts={"g": setting.optimizer, "d": setting.d_optimizer or setting.optimizer},
        schedule=(("d",), ("g",)),
        rule=descent,
        outer=lambda method: _showing(setting, method),
        zoo=setting.zoo,
        steps=setting.steps,
        claims=together,
    )


def turns(setting: Setting) -> Stabilizer:
    """Repeats each phase that moves `d` alone, or the generator, as often as the setting says."""

    def times(phase: Phase) -> int:
        moved = set(map(player, phase))
        return setting.d_steps if moved == {"d"} else setting.g_steps if "g" in moved else 1

    def stabilizer(recipe: Recipe) -> Recipe:
        repeated = [phase for phase in recipe.schedule for _ in range(times(phase))]
        return recipe._replace(schedule=tuple(repeated))

    return stabilizer


def _showing(setting: Setting, method: Method) -> Method:
    """`method`, whose samples are what the task shows of its players, if it shows them."""
    shown = setting.task.shown
    if shown is None:
        return method

    def generate(state: TrainState, key: jax.Array) -> jax.Array:
        point = shown(state.params)
        return jnp.broadcast_to(point, (setting.batch, *point.shape))

    return method._replace(generate=generate)
