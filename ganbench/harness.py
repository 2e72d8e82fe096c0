"""One group -> one XLA program -> what every lane's training left behind.

The host loops over evaluations; on the device an inner `scan` runs the steps between two of them
and `vmap` a block of lanes. Each device runs a block of its own, all at the same time. Nothing
calls back into Python inside a step.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from ganbench import memory
from ganbench.budget import Budget
from ganbench.canonical import digest
from ganbench.checkpoint import Checkpoints, Saved
from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.metrics.sample import SIZE
from ganbench.program import Lane, Programs, drawn_batches, lane_arguments
from ganbench.record import Chunk, Record, Scored, record
from ganbench.room import Say, at_once, placed
from ganbench.tasks.base import Task

CURVE_SAMPLES_KEPT = 256  # per run at every evaluation; enough for a figure
FINAL_SAMPLES_KEPT = SIZE  # what scores of single samples see; 26,000 images of a lane are 250 MB


class Cost(NamedTuple):
    """Measured, never reproducible: seconds to trace and lower, seconds in XLA, and speed.

    In a sweep all three are of a machine that also trains or compiles another group: who wants to
    compare what methods cost measures them side by side (`benchmarks/costs.py`).
    """

    trace_s: float
    compile_s: float
    ms_per_step_lane: float
    flops_per_step: float
    block: int  # lanes of one program: fewer than asked for where memory is short


class Stopped(RuntimeError):
    """Training was stopped from outside; the message is the reason that the runs record."""


def evaluation_steps(budget: Budget) -> np.ndarray:
    """The steps after which a run is scored: evenly spaced, the last one at the end."""
    return np.arange(1, budget.evaluations + 1) * (budget.steps // budget.evaluations)


def due(steps: np.ndarray, times: int) -> np.ndarray:
    """`times` of the evaluation `steps`, spread evenly, the last one among them."""
    times = min(times, len(steps))
    return steps[np.arange(1, times + 1) * len(steps) // times - 1]


Advance = Callable[[int], None]
Trainer = Callable[..., tuple[list[Record], Cost]]  # of one optional `Advance`, and `Checkpoints`


def prepared(
    task: Task,
    method: str,
    static: Mapping[str, Any],
    lanes: Sequence[Lane],
    budget: Budget,
    devices: Sequence[jax.Device],
    diagnostics: Mapping[str, int] | None = None,
    say: Say = lambda told: None,
) -> Trainer:
    """Compiles what trains `lanes` of one method together.

    Args:
        static: the hyperparameters that all lanes share, by full name.
        lanes: traced hyperparameters and streams; every lane names the same ones.
        devices: one block runs on each at a time; their number changes no result.
        diagnostics: by name, how many times each is measured during training.
        say: is told where memory allows fewer devices, or smaller blocks, than there were to be.

    Returns:
        `run(advance, checkpoints)`, which trains, from where the checkpoints are, if given, and
        writes them when they are due. It calls `advance`, if given, between chunks with the number
        of steps times lanes just done, which may raise `Stopped`; it returns one record a lane, in
        order, and what they cost.
    """
    times = diagnostics or {}
    made = placed(task, method, static, lanes, budget, devices, times, say)
    (compiled, own, _), each = made, made.budget.block
    blocks = [lanes[i : i + each] for i in range(0, len(lanes), each)]

    def run(
        advance: Advance = lambda lane_steps: None, checkpoints: Checkpoints | None = None
    ) -> tuple[list[Record], Cost]:
        records: list[Record] = []
        busy = 0.0
        programs = at_once(made, say)
        while len(records) < len(lanes):
            first = len(records) // each
            running: list[_Block] = []
            try:
                for number, on in zip(range(first, len(blocks)), programs, strict=False):
                    arguments = _padded(task, blocks[number], own)
                    made_by = _identity(compiled.digest, times, arguments)
                    running.append(_Block(number, on, arguments, len(blocks[number]), made_by))
                ended, seconds = _train_wave(task, running, own, times, advance, checkpoints)
            except Exception as error:
                if len(programs) == 1 or not memory.ran_out(error):
                    raise
                before, programs = len(programs), programs[: len(programs) // 2]
                fewer = f"{len(programs)} of {before} blocks at once now"
                say(f"{task.name} {method}: out of memory: {fewer}")
                undone = sum(len(block.chunks) * block.wanted for block in running)
                advance(-undone * int(evaluation_steps(own)[0]))
                del running  # before others take its place
                continue
            if checkpoints:
                checkpoints.keep({block.number: block.saved() for block in running})
            records += ended
            busy += seconds
        speed = 1e3 * busy / max(own.steps * len(lanes), 1)
        cost = (compiled.trace_s, compiled.compile_s, speed, compiled.flops_per_step)
        return records, Cost(*cost, each)

    return run


class _Block:
    """A block of lanes in training on one device: where it is, and what it has logged."""

    def __init__(
        self, number: int, programs: Programs, lanes: dict[str, Any], wanted: int, made_by: str
    ):
        self.number, self.programs, self.made_by = number, programs, made_by
        self.wanted = wanted  # lanes that are not padding
        self.lanes = jax.device_put(lanes, programs.device)
        self.carry = programs.start(self.lanes, programs.shared)
        self.chunks: list[Chunk] = []

    def saved(self) -> Saved:
        return Saved(self.carry, self.chunks, self.made_by)

    def resume(self, checkpoints: Checkpoints) -> None:
        saved = checkpoints.read(self.number, self.made_by, self.carry)
        if saved is not None:
            self.carry = jax.device_put(saved.carry, self.programs.device)
            self.chunks = saved.chunks


def _train_wave(
    task: Task,
    running: Sequence[_Block],
    budget: Budget,
    times: Mapping[str, int],
    report: Advance,
    checkpoints: Checkpoints | None,
) -> tuple[list[Record], float]:
    """The records of one block a device, and the seconds that their steps took: the median chunk's,
    times their number, since another group may be compiling during some.
    """
    steps = evaluation_steps(budget)
    chunk = int(steps[0])
    when = {name: due(steps, times[name]) for name in running[0].programs.diagnose}
    for block in running:
        if checkpoints:
            block.resume(checkpoints)
        report(chunk * block.wanted * len(block.chunks))
    for done, step in enumerate(steps):
        now = [block for block in running if len(block.chunks) == done]  # others were saved later
        if not now:
            continue
        clock = time.perf_counter()
        made = [
            b.programs.advance(b.lanes, b.programs.shared, b.carry, np.int32(step - chunk))
            for b in now
        ]
        jax.block_until_ready(made)
        seconds = time.perf_counter() - clock
        for block, (carry, _) in zip(now, made, strict=True):
            block.carry = carry
        scored = _scored(now, int(step), budget)
        names = [name for name in when if step in when[name]]
        measured = {name: _diagnosed(name, now, int(step)) for name in names}
        for i, (block, (_, info)) in enumerate(zip(now, made, strict=True)):
            logged = jax.tree.map(np.asarray, info)
            inner = {name: own[i] for name, own in measured.items()}
            block.chunks.append(Chunk(logged, scored[i], inner, seconds))
        stopped = None
        try:
            report(chunk * sum(block.wanted for block in now))
        except Stopped as error:
            stopped = error
        if checkpoints and (stopped or checkpoints.due()):
            checkpoints.write({b.number: b.saved() for b in running})
        if stopped:
            raise stopped
    final = _scored(running, -1, budget)
    records = []
    for block, own in zip(running, final, strict=True):
        end = jax.tree.map(np.asarray, block.carry)
        each = range(block.wanted)
        records += [record(lane, steps, block.chunks, own, end, task) for lane in each]
    median = np.median([c.seconds for block in running for c in block.chunks])
    return records, len(steps) * float(median)


def _identity(program: str, times: Mapping[str, int], arguments: dict[str, Any]) -> str:
    """What a block's state hangs on beside its number of steps."""
    lanes = jax.tree.map(lambda x: x.tolist(), arguments)
    return digest([program, dict(times), lanes])


def _padded(task: Task, block: Sequence[Lane], budget: Budget) -> dict[str, Any]:
    """The block's arguments, filled up with its last lane: computed, then dropped."""
    return lane_arguments(task, [*block, *[block[-1]] * (budget.block - len(block))])


def _diagnosed(name: str, running: Sequence[_Block], step: int) -> list[dict[str, np.ndarray]]:
    """Each block's quantities of one diagnostic, by lane; all devices work at the same time."""
    made = [
        b.programs.diagnose[name](b.lanes, b.programs.shared, b.carry, np.int32(step))
        for b in running
    ]
    return [DIAGNOSTICS[name].reduced(jax.tree.map(np.asarray, one)) for one in made]


def _scored(running: Sequence[_Block], step: int, budget: Budget) -> list[Scored]:
    """Samples and their tallies: `curve_samples` of them, or `final_samples` for step -1.

    The same programs do both; the final scores call them as often as they need.
    """
    n = budget.final_samples if step < 0 else budget.curve_samples
    kept = min(n, FINAL_SAMPLES_KEPT if step < 0 else CURVE_SAMPLES_KEPT)
    batches, batch = drawn_batches(budget), budget.drawing().batch
    parts: list[list[Any]] = [[] for _ in running]
    seen: list[list[np.ndarray]] = [[] for _ in running]
    for first in range(0, math.ceil(n / batch), batches):
        drawn = [
            b.programs.draw(b.lanes, b.programs.shared, b.carry, np.int32(step), np.int32(first))
            for b in running
        ]
        made = [
            b.programs.judge(x, b.programs.shared, np.int32(first), np.int32(n))
            for b, x in zip(running, drawn, strict=True)
        ]
        for part, own, one, x in zip(parts, seen, made, drawn, strict=True):
            part.append(jax.tree.map(np.asarray, one))
            wanted = math.ceil(kept / batch) - first  # batches of which some samples are kept
            own += [np.asarray(x)[:, :wanted].copy()] if wanted > 0 else []
    scored = []
    for part, own in zip(parts, seen, strict=True):
        tallies, squares = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1), *part)
        x = np.concatenate(own, axis=1)
        x = x.reshape(len(x), -1, *x.shape[3:])[:, :kept].copy()  # a view would keep all of it
        scored.append(Scored(tallies, squares, x))
    return scored
