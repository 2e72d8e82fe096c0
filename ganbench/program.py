"""The compiled unit: what one lane does, vmapped over a block, the same on every device.

Four programs: `start` (first state), `advance` (the steps between two evaluations), `draw`
(samples), `judge` (what they add up to). The last is the same for all methods of a task: XLA
compiles it once, then it comes from the cache. Nothing calls back into Python inside a step. Each
diagnostic that a suite asks for is one more; without any the others are what they were.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.random import fold_in, key_data, wrap_key_data

from ganbench.assembly import assemble
from ganbench.budget import Budget, setting_of
from ganbench.compilation import compile_everywhere
from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.diagnostics.inside import inside
from ganbench.flops import flops
from ganbench.game import Method, TrainState
from ganbench.metrics.evidence import tally
from ganbench.registry import make, plays, recipe
from ganbench.seeds import fold_name, lane_key
from ganbench.shared import Shared, on_device, shared_of
from ganbench.tasks.base import Task


class Lane(NamedTuple):
    """One replica: which streams it reads, and its traced hyperparameters."""

    seed: int
    replicate: int
    values: Mapping[str, float]
    stream: str = "train"  # "baseline" for the draws that define what a perfect sampler reaches


class Carry(NamedTuple):
    state: TrainState
    diverged_at: jax.Array  # 0 while all is finite, else the step that was not


class Programs(NamedTuple):
    """One device's compiled programs, with the shared arguments placed there."""

    device: jax.Device
    shared: Shared
    start: Any
    advance: Any
    draw: Any
    judge: Any
    diagnose: dict[str, Any]  # by diagnostic: (lanes, shared, carry, step) -> its quantities


class Compiled(NamedTuple):
    """The programs of every device; seconds to trace and lower, and in XLA; a lane's operations."""

    programs: list[Programs]
    digest: str  # see `Everywhere`
    trace_s: float
    compile_s: float
    flops_per_step: float


Lanes = dict[str, Any]  # the arguments that differ between lanes, each leaf (lanes, ...)


def _finite(info: Mapping[str, jax.Array], state: TrainState) -> jax.Array:
    losses = [value for name, value in info.items() if name.startswith("loss/")]
    leaves = [x for x in jax.tree.leaves(state.params) if jnp.issubdtype(x.dtype, jnp.inexact)]
    # the largest is finite if all are: 1 % of a step of a small net, where asking each is 5 %
    largest = [jnp.max(jnp.abs(x), initial=0.0) for x in losses + leaves]
    return jnp.all(jnp.isfinite(jnp.array(largest)))


def _lane_functions(
    task: Task, method: str, static: Mapping, budget: Budget
) -> tuple[Callable, Callable, Callable]:
    """start, advance and draw for one lane; the same three are vmapped."""
    chunk = budget.steps // budget.evaluations

    def build(lane: Lanes, shared: Shared, budget: Budget = budget) -> Method:
        values = {**static, **lane["values"]}  # tracers among them: built inside the trace
        setting = setting_of(task, values, budget, shared)
        return make(method, values, setting, assemble)

    def start(lane: Lanes, shared: Shared) -> Carry:
        key = fold_name(wrap_key_data(lane["train"]), "init")
        return Carry(build(lane, shared).init(key), jnp.zeros((), jnp.int32))

    def advance(lane: Lanes, shared: Shared, carry: Carry, first: jax.Array):
        made, key = build(lane, shared), fold_name(wrap_key_data(lane["train"]), "steps")

        def one(carry: Carry, t: jax.Array):
            state, info = made.step(carry.state, fold_in(key, t), t)
            broke = (carry.diverged_at == 0) & ~_finite(info, state)
            diverged_at = jnp.where(broke, t + 1, carry.diverged_at)
            # the last finite state is kept: a lane that broke stops, its neighbours do not notice
            alive = diverged_at == 0
            state = jax.tree.map(lambda new, old: jnp.where(alive, new, old), state, carry.state)
            info = {name: jnp.where(alive, value, jnp.nan) for name, value in info.items()}
            return Carry(state, diverged_at), info

        # the counter is scan's own and the same for all lanes, so that a `cond` on it stays one
        return jax.lax.scan(one, carry, first + jnp.arange(chunk))

    def draw(lane: Lanes, shared: Shared, carry: Carry, step: jax.Array, first: jax.Array):
        made = build(lane, shared, budget.drawing())
        key = fold_in(wrap_key_data(lane["evaluate"]), step)
        batches = first + jnp.arange(drawn_batches(budget))
        return jax.lax.map(lambda i: made.generate(carry.state, fold_in(key, i)), batches)

    return start, advance, draw


def _diagnose_functions(
    task: Task, method: str, static: Mapping, budget: Budget, names: Iterable[str]
) -> dict[str, Callable]:
    """By diagnostic, what measures it on one lane; none for a method without a recipe."""
    if not plays(method):
        return {}

    def one(name: str) -> Callable:
        def diagnose(lane: Lanes, shared: Shared, carry: Carry, step: jax.Array):
            values = {**static, **lane["values"]}
            setting = setting_of(task, values, budget, shared)
            seen = inside(recipe(method, values, setting), setting)
            key = fold_name(wrap_key_data(lane["evaluate"]), f"diagnose {name}")
            return DIAGNOSTICS[name].measure(seen)(carry.state, key, step)

        return diagnose

    return {name: one(name) for name in names}


def drawn_batches(budget: Budget) -> int:
    """How many batches `draw` makes at once: what an evaluation on the way takes."""
    return math.ceil(budget.curve_samples / budget.drawing().batch)


def _judge_function(task: Task) -> Callable:
    """judge(x, shared, first, limit) -> (tallies, sums of squares) of one lane's drawn batches.

    x (batches, batch, *shape) are batches `first`, `first` + 1, ...; samples beyond the first
    `limit` are left out.
    """

    def judge(x: jax.Array, shared: Shared, first: jax.Array, limit: jax.Array):
        def one(given: tuple[jax.Array, jax.Array]):
            i, x = given
            keep = i * len(x) + jnp.arange(len(x)) < limit
            verdict = task.judge.judge(shared.weights, x)
            squared = jnp.where(keep, jnp.sum(x.reshape(len(x), -1) ** 2, axis=-1), 0.0)
            return tally(verdict, keep, shared.centre), squared.sum()

        return jax.lax.map(one, (first + jnp.arange(x.shape[0]), x))

    return judge


def lane_arguments(task: Task, lanes: Sequence[Lane]) -> dict[str, Any]:
    def keys(stream: str) -> np.ndarray:
        made = [lane_key(x.seed, task.name, f"{x.stream} {stream}", x.replicate) for x in lanes]
        return np.stack([np.asarray(key_data(key)) for key in made])

    values = {n: np.array([x.values[n] for x in lanes], np.float32) for n in lanes[0].values}
    return {"train": keys("train"), "evaluate": keys("evaluate"), "values": values}


def compile_group(
    task: Task,
    method: str,
    static: Mapping,
    lane: Lane,
    budget: Budget,
    devices: Sequence[jax.Device],
    diagnostics: Iterable[str] = (),
) -> Compiled:
    """Each device's programs, and what it took to make them; `diagnostics` are names."""
    began = time.perf_counter()
    start, advance, draw = _lane_functions(task, method, static, budget)
    diagnose = _diagnose_functions(task, method, static, budget, diagnostics)
    begin = jax.jit(jax.vmap(start, in_axes=(0, None)))
    lanes, shared, step = lane_arguments(task, [lane] * budget.block), shared_of(task), np.int32(0)
    given = (lanes, shared, jax.eval_shape(begin, lanes, shared), step)
    batches = (budget.block, drawn_batches(budget), budget.drawing().batch, *task.shape)
    x = jax.ShapeDtypeStruct(batches, np.float32)
    shapes_s = time.perf_counter() - began
    made = compile_everywhere(
        {
            "advance": (jax.jit(jax.vmap(advance, in_axes=(0, None, 0, None))), given),
            "start": (begin, given[:2]),
            "draw": (jax.jit(jax.vmap(draw, in_axes=(0, None, 0, None, None))), (*given, step)),
            "judge": (
                jax.jit(jax.vmap(_judge_function(task), in_axes=(0, None, None, None))),
                (x, shared, step, step),
            ),
            **{
                _label(name): (jax.jit(jax.vmap(one, in_axes=(0, None, 0, None))), given)
                for name, one in diagnose.items()
            },
        },
        devices,
    )

    def placed(device: jax.Device, own: dict[str, Any]) -> Programs:
        measuring = {name: own[_label(name)] for name in diagnose}
        common = {name: own[name] for name in ("start", "advance", "draw", "judge")}
        return Programs(device, on_device(task, device), **common, diagnose=measuring)

    return Compiled(
        [placed(device, own) for device, own in zip(devices, made.programs, strict=True)],
        digest=made.digest,
        trace_s=shapes_s + made.trace_s,
        compile_s=made.compile_s,
        flops_per_step=flops(made.jaxprs["advance"])
        / (budget.steps // budget.evaluations * budget.block),
    )


def _label(diagnostic: str) -> str:
    return f"diagnose {diagnostic}"
