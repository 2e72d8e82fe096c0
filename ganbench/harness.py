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

from ganbench.budget import Budget
from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.metrics.evidence import Evidence, Tally, evidence
from ganbench.metrics.sample import SIZE
from ganbench.program import Lane, Programs, drawn_batches, lane_arguments
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


class Diagnosed(NamedTuple):
    """One diagnostic of one lane: the steps after which it was measured, and each quantity then."""

    steps: np.ndarray  # (D,)
    quantities: dict[str, np.ndarray]  # (D,) each


class Record(NamedTuple):
    """What one lane's training left behind, on the host.

    `curves` maps an info name to (evaluations, 3): mean, min and max of the steps since the last
    evaluation, NaN where the lane had stopped. `diverged_at` is the step of the first loss or
    parameter that is not finite.
    """

    steps: np.ndarray  # (E,) the evaluation steps
    curves: dict[str, np.ndarray]
    evidence: list[Evidence]  # one an evaluation, from curve_samples each
    sample_rms: np.ndarray  # (E,)
    generator_gradient: np.ndarray  # (steps,) norm at every step; empty if the method has none
    final: Evidence  # from final_samples
    curve_samples: np.ndarray  # (E, CURVE_SAMPLES_KEPT, *shape)
    final_samples: np.ndarray  # (FINAL_SAMPLES_KEPT, *shape) at most
    params: Any
    aux: Any
    diverged_at: int | None
    diagnosed: dict[str, Diagnosed]


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
Trainer = Callable[..., tuple[list[Record], Cost]]  # of one optional `Advance`


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
        `run(advance)`, which trains. It calls `advance`, if given, between chunks with the number
        of steps times lanes just done, which may raise `Stopped`; it returns one record a lane, in
        order, and what they cost.
    """
    times = diagnostics or {}
    made = placed(task, method, static, lanes, budget, devices, times, say)
    (compiled, own, _), each = made, made.budget.block
    blocks = [lanes[i : i + each] for i in range(0, len(lanes), each)]

    def run(advance: Advance = lambda lane_steps: None) -> tuple[list[Record], Cost]:
        records: list[Record] = []
        busy = done = 0.0
        programs = at_once(made, say)
        for first in range(0, len(blocks), len(programs)):
            wave = blocks[first : first + len(programs)]
            ended, seconds = _train_wave(task, programs, wave, own, times, advance)
            records += ended
            busy, done = busy + seconds, done + own.steps * sum(map(len, wave))
        speed, took = 1e3 * busy / max(done, 1), (compiled.trace_s, compiled.compile_s)
        return records, Cost(*took, speed, compiled.flops_per_step, each)

    return run


def _train_wave(
    task: Task,
    programs: Sequence[Programs],
    blocks: Sequence[Sequence[Lane]],
    budget: Budget,
    times: Mapping[str, int],
    report: Advance,
) -> tuple[list[Record], float]:
    """The records of one block a device, and the seconds that their steps took: the median chunk's,
    times their number, since another group may be compiling during some.
    """
    running = [
        _Running(p, jax.device_put(_padded(task, block, budget), p.device), len(block))
        for p, block in zip(programs, blocks, strict=False)
    ]
    carries = [r.programs.start(r.lanes, r.programs.shared) for r in running]
    steps = evaluation_steps(budget)
    chunk, wanted = int(steps[0]), sum(r.wanted for r in running)
    infos, scored, seconds = [], [], []
    when = {name: due(steps, times[name]) for name in programs[0].diagnose}
    measured: dict[str, list[list[Any]]] = {name: [] for name in when}
    for step in steps:
        clock = time.perf_counter()
        made = [
            r.programs.advance(r.lanes, r.programs.shared, carry, np.int32(step - chunk))
            for r, carry in zip(running, carries, strict=True)
        ]
        jax.block_until_ready(made)
        seconds.append(time.perf_counter() - clock)
        carries = [carry for carry, _ in made]
        infos.append([info for _, info in made])
        scored.append(_scored(running, carries, int(step), budget))
        for name in when:
            if step in when[name]:
                measured[name].append(_diagnosed(name, running, carries, int(step)))
        report(chunk * wanted)
    final = _scored(running, carries, -1, budget)
    records = []
    for i, r in enumerate(running):
        own = [jax.tree.map(np.asarray, info[i]) for info in infos]
        end = jax.tree.map(np.asarray, carries[i])
        seen = [made[i] for made in scored]
        inner = {name: (when[name], [made[i] for made in measured[name]]) for name in when}
        records += [
            _record(x, steps, own, seen, final[i], end, inner, task) for x in range(r.wanted)
        ]
    return records, len(steps) * float(np.median(seconds))


class _Running(NamedTuple):
    programs: Programs
    lanes: dict[str, Any]
    wanted: int  # lanes that are not padding


def _padded(task: Task, block: Sequence[Lane], budget: Budget) -> dict[str, Any]:
    """The block's arguments, filled up with its last lane: computed, then dropped."""
    return lane_arguments(task, [*block, *[block[-1]] * (budget.block - len(block))])


def _diagnosed(
    name: str, running: Sequence["_Running"], carries: Sequence[Any], step: int
) -> list[dict[str, np.ndarray]]:
    """Each block's quantities of one diagnostic, by lane; all devices work at the same time."""
    made = [
        r.programs.diagnose[name](r.lanes, r.programs.shared, carry, np.int32(step))
        for r, carry in zip(running, carries, strict=True)
    ]
    return [DIAGNOSTICS[name].reduced(jax.tree.map(np.asarray, one)) for one in made]


class _Scored(NamedTuple):
    tallies: Tally  # (lanes, batches, ...)
    squares: np.ndarray  # (lanes, batches): sum of squared entries of the kept samples
    samples: np.ndarray  # (lanes, kept, *shape)


def _scored(
    running: Sequence[_Running], carries: Sequence[Any], step: int, budget: Budget
) -> list[_Scored]:
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
            r.programs.draw(r.lanes, r.programs.shared, carry, np.int32(step), np.int32(first))
            for r, carry in zip(running, carries, strict=True)
        ]
        made = [
            r.programs.judge(x, r.programs.shared, np.int32(first), np.int32(n))
            for r, x in zip(running, drawn, strict=True)
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
        scored.append(_Scored(tallies, squares, x))
    return scored


def _summary(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, min and max of the steps at which the lane was still going."""
    kept = values[~np.isnan(values)]
    if not kept.size:
        return (np.nan, np.nan, np.nan)
    return float(kept.astype(np.float64).mean()), float(kept.min()), float(kept.max())


def _record(
    lane: int,
    steps: np.ndarray,
    infos: list[dict[str, np.ndarray]],
    scored: list[_Scored],
    final: _Scored,
    end: Any,
    inner: Mapping[str, tuple[np.ndarray, list[dict[str, np.ndarray]]]],
    task: Task,
) -> Record:
    def of(made: _Scored) -> Evidence:
        return evidence(jax.tree.map(lambda x: x[lane], made.tallies), task.reference_mean)

    def rms(made: _Scored, of: Evidence) -> float:
        total = made.squares[lane].astype(np.float64).sum()
        return float(np.sqrt(total / (of.n * math.prod(task.shape))))

    def inside(name: str) -> Diagnosed:
        at, made = inner[name]
        own = [{n: x[lane] for n, x in one.items()} for one in made]
        return Diagnosed(at, DIAGNOSTICS[name].told(own) if own[0] else {})

    names = sorted(infos[0])
    seen = [of(made) for made in scored]
    gradients = [info["grad_norm/g"][lane] for info in infos if "grad_norm/g" in info]
    return Record(
        steps=steps,
        curves={n: np.array([_summary(info[n][lane]) for info in infos]) for n in names},
        evidence=seen,
        sample_rms=np.array([rms(made, e) for made, e in zip(scored, seen, strict=True)]),
        generator_gradient=np.concatenate(gradients) if gradients else np.zeros(0),
        final=of(final),
        curve_samples=np.stack([made.samples[lane] for made in scored]),
        final_samples=final.samples[lane],
        params=jax.tree.map(lambda x: x[lane], end.state.params),
        aux=jax.tree.map(lambda x: x[lane], end.state.aux),
        diverged_at=int(end.diverged_at[lane]) or None,
        diagnosed={name: inside(name) for name in inner},
    )
