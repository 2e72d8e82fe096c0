"""A suite, trained: groups in order, each stored when it is done, tables kept up to date."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from ganbench import finished, kept
from ganbench import suite as suites
from ganbench.ahead import Ahead
from ganbench.budget import setting_of
from ganbench.canonical import canonical, digest
from ganbench.checkpoint import EVERY, Checkpoints, Say
from ganbench.diagnostics.catalogue import check_measures
from ganbench.diagnostics.inside import inside
from ganbench.errors import BadInput
from ganbench.harness import Stopped, Trainer, prepared
from ganbench.lock import held
from ganbench.plan import (
    BASELINE_EVALUATIONS,
    BASELINE_LANES,
    Group,
    budget_of,
    cell_hash,
    group_budget,
    groups,
    protocol,
)
from ganbench.plugins import installed
from ganbench.program import Lane
from ganbench.progress import Progress, together
from ganbench.registry import check, plays, recipe
from ganbench.results import Results, load
from ganbench.runtime import use_compilation_cache
from ganbench.schema import Suite
from ganbench.scoring import scorers
from ganbench.shared import shared_of
from ganbench.store import Store, check_ours
from ganbench.tables import (
    Scale,
    baseline_of,
    curve_rows,
    failed_row,
    final_scores,
    run_row,
    score_rows,
)
from ganbench.tasks.catalogue import TASKS
from ganbench.tensorboard import event_files
from ganbench.watching import told

IN_FLIGHT = "inflight"  # of a results folder: checkpoints of groups that are not finished
TABLES_SHARE = 0.03  # of the time, at most: they are made of all groups anew, a kill loses none

Keep = Callable[[Group], Checkpoints]


def run(
    suite: str | Path | Suite,
    out: str | Path | None = None,
    *,
    seeds: int | None = None,
    seed: int | None = None,
    steps: int | None = None,
    methods: list[str] | None = None,
    tasks: list[str] | None = None,
    max_minutes: float | None = None,
    devices: Sequence[jax.Device] | None = None,
    progress: Progress | None = None,
    tensorboard: bool = False,
    checkpoint_every: float = EVERY,
) -> Results:
    """Trains what is missing of a suite and returns its tables.

    A group is compiled in a thread of its own while the one before it is trained: settings of JAX
    that hold inside a `with` alone do not reach it, and an end waits for the compilation in flight.

    Args:
        suite: a name, a file, or a `Suite`.
        out: the results folder; `results/<suite>` if not given.
        seeds: of every row; this and the next four replace the suite's own.
        seed: the base seed.
        steps: passes of the schedule.
        methods: these stacks alone.
        tasks: these tasks alone.
        max_minutes: after that long no further group starts; the one in flight is stopped at its
            next evaluation and recorded as `failed`; the next call trains it.
        devices: what to train on; all there are if not given.
        progress: what to tell while it runs.
        tensorboard: write the curves of every group that is trained for TensorBoard too.
        checkpoint_every: seconds between two checkpoints of the group in flight, at least (0: one
            at every evaluation): what is killed and called again goes on from the last, to the
            same numbers.

    Raises:
        BadInput: a bad suite or argument, or a folder of another protocol; nothing is written.
    """
    installed()
    if not isinstance(suite, Suite):
        suite = suites.read(suites.find(str(suite)))
    order = [(g.task, g.method) for g in groups(suite)]
    suite = suites.with_overrides(suite, seeds, seed, steps, methods, tasks)
    use_compilation_cache()
    devices = devices or jax.devices()
    protocols = {name: protocol(suite, name) for name in suite.tasks}
    kind = devices[0].device_kind
    folder = Path(out or Path("results") / suite.name)
    watchers = [progress or Progress(), *([event_files(folder)] if tensorboard else [])]
    hashes = {name: digest(made) for name, made in protocols.items()}
    planned = list(groups(suite))
    deadline = time.monotonic() + 60 * max_minutes if max_minutes is not None else np.inf
    check_ours(folder)
    with ExitStack() as until_the_end:
        there = folder.is_dir()
        if there:  # else nobody trains into it, and bad input is not to leave it behind
            until_the_end.enter_context(held(folder))
        store = Store(folder, suite.name, protocols, kind)
        missing = _missing(planned, hashes, store.cells())
        for group in missing:
            _check_group(suite, group)
        if not there:
            until_the_end.enter_context(held(folder))
            store = Store(folder, suite.name, protocols, kind)  # whoever was here in between
            missing = _missing(planned, hashes, store.cells())
        everybody = together(*watchers, until_the_end.enter_context(told(folder)))
        for told_of in store.set_aside():
            everybody.note(told_of)
        store.write_tables(order)
        keep = partial(_checkpoints, folder, hashes, checkpoint_every, everybody.note)
        _train(suite, missing, hashes, devices, store, order, everybody, deadline, keep)
    return load(folder)


def _train(
    suite: Suite,
    missing: list[Group],
    hashes: Mapping[str, str],
    devices: Sequence[jax.Device],
    store: Store,
    order: Sequence[tuple[str, str]],
    progress: Progress,
    deadline: float,
    keep: Keep,
) -> None:
    """Trains the groups in their order; tables are made now and then, and at the end."""
    progress.begin(len(missing), sum(len(g.lanes) * suite.tasks[g.task].steps for g in missing))
    scales: dict[str, Scale] = {}
    due = -np.inf
    try:
        # most of compiling keeps one core busy, training all of them: apart, the others would wait
        ready = (partial(_prepared, suite, group, devices, progress.note) for group in missing)
        with Ahead(ready) as compiled:
            for done, group in enumerate(missing):
                if time.monotonic() > deadline:
                    progress.stopped(len(missing) - done)
                    break
                if group.task not in scales:
                    scales[group.task] = _scale(suite, group.task, hashes[group.task], devices)
                label = f"{group.task} {group.method}"
                progress.group(label)
                scale, kept = scales[group.task], keep(group)
                statuses = _train_group(
                    suite, group, compiled.take, scale, store, progress, deadline, kept
                )
                if (clock := time.monotonic()) > due:
                    store.write_tables(order)
                    due = time.monotonic() + (time.monotonic() - clock) / TABLES_SHARE
                progress.done(label, statuses)
    finally:  # an interrupt too leaves tables of all that is finished
        if missing:
            store.write_tables(order)


def _checkpoints(
    folder: Path, hashes: Mapping[str, str], every: float, say: Say, group: Group
) -> Checkpoints:
    cells = [cell_hash(hashes[group.task], cell) for cell in group.cells]
    name = finished.group_name(group.task, group.method, cells)
    return Checkpoints(folder / IN_FLIGHT / name, every, say)


def _check_group(suite: Suite, group: Group) -> None:
    """Raises BadInput if the group's method cannot be built on its task, with any lane's values."""
    task = TASKS[group.task]()
    budget = group_budget(suite, group, task)
    shared = jax.tree.map(jnp.asarray, shared_of(task))
    values, *others = {
        canonical(lane.values): {**group.static, **lane.values} for lane in group.lanes
    }.values()
    try:
        for batches in dict.fromkeys((budget, budget.drawing())):
            setting = setting_of(task, values, batches, shared)
            check(group.method, values, setting)
        for other in others:  # lanes differ in numbers alone: these need no tracing of their own
            recipe(group.method, other, setting)
        if suite.diagnostics and plays(group.method):
            game = inside(recipe(group.method, values, setting), setting)
            check_measures(game, suite.diagnostics)
    except BadInput as error:
        raise BadInput(f"{group.method} on {group.task}: {error}") from None
    except Exception:  # a method that raises is a failed row, once it is its turn
        pass


def _missing(planned: list[Group], hashes: dict[str, str], have: set[str]) -> list[Group]:
    """The planned groups without the cells that are stored, without those that become empty."""
    made = []
    for group in planned:
        keep = [
            i
            for i, cell in enumerate(group.cells)
            if cell_hash(hashes[group.task], cell) not in have
        ]
        if keep:
            cells = tuple(group.cells[i] for i in keep)
            made.append(group._replace(cells=cells, lanes=tuple(group.lanes[i] for i in keep)))
    return made


def _scale(suite: Suite, name: str, protocol_hash: str, devices: Sequence[jax.Device]) -> Scale:
    """What the task's runs are held against: it depends on the protocol alone, on no run."""
    task = TASKS[name]()
    budget = budget_of(suite.tasks[name], task)
    budget = budget._replace(steps=BASELINE_EVALUATIONS, evaluations=BASELINE_EVALUATIONS)
    lanes = [Lane(0, i, {"learning_rate": 0.0}, "baseline") for i in range(BASELINE_LANES)]
    records, _ = prepared(task, "real", {}, lanes, budget, devices)()
    kind = devices[0].device_kind
    baseline = baseline_of(task, records)
    return Scale(task, suite.rules(), baseline, protocol_hash, kind, scorers(task, suite.scores))


def _prepared(
    suite: Suite, group: Group, devices: Sequence[jax.Device], note: Callable[[str], None]
) -> Trainer:
    task = TASKS[group.task]()
    budget = group_budget(suite, group, task)
    lanes, asked = group.lanes, suite.diagnostics
    return prepared(task, group.method, group.static, lanes, budget, devices, asked, note)


def _train_group(
    suite: Suite,
    group: Group,
    compiled: Callable[[], Trainer],
    scale: Scale,
    store: Store,
    progress: Progress,
    deadline: float,
    checkpoints: Checkpoints,
) -> list[str]:
    def advance(lane_steps: int) -> None:
        progress.advance(lane_steps)
        if time.monotonic() > deadline:
            raise Stopped("time limit")

    try:
        records, cost = compiled()(advance, checkpoints)
    except BadInput:  # a checkpoint cannot be written
        raise
    except Exception as error:  # a method that raises is a row, not the end of the sweep
        if not isinstance(error, Stopped):
            checkpoints.remove()
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        reason = re.sub(r"0x[0-9a-f]+", "0x...", reason)  # an address differs from run to run
        rows = [failed_row(cell, reason, scale) for cell in group.cells]
        store.add(rows)
        return [row["status"] for row in rows]
    pairs = list(zip(group.cells, records, strict=True))
    scores = [final_scores(record, scale) for record in records]
    rows = [run_row(c, r, s, scale, cost) for (c, r), s in zip(pairs, scores, strict=True)]
    scored = [
        line
        for cell, row, own in zip(group.cells, rows, scores, strict=True)
        for line in score_rows(cell, own, row["status"])
    ]
    curves = pd.concat([curve_rows(c, r, scale) for c, r in pairs], ignore_index=True)
    samples = kept.samples(scale.task, group, records) if suite.keep.samples else None
    states = kept.states(group, records) if suite.keep.states else None
    store.add(rows, curves, scored, samples, states)
    checkpoints.remove()
    progress.curves(curves)
    return [row["status"] for row in rows]
