"""A suite, trained: groups in order, each stored when it is done, tables kept up to date."""

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ganbench import suite as suites
from ganbench.budget import setting_of
from ganbench.canonical import canonical, digest
from ganbench.checkpoint import EVERY, Checkpoints
from ganbench.compilation_cache import use_compilation_cache
from ganbench.diagnostics.catalogue import check_measures
from ganbench.diagnostics.inside import inside
from ganbench.engines.engine import Engine, Job, Trained, label
from ganbench.engines.local import local
from ganbench.errors import BadInput
from ganbench.finished import group_name
from ganbench.lock import held
from ganbench.plan import Group, cell_hash, group_budget, groups, protocol
from ganbench.plugins import installed
from ganbench.progress import Progress, together
from ganbench.provenance import versions
from ganbench.registry import check, plays, recipe
from ganbench.results import Results, load
from ganbench.room import Say
from ganbench.schema import Suite
from ganbench.shared import shared_of
from ganbench.store import Store, check_ours
from ganbench.tasks.catalogue import TASKS
from ganbench.tensorboard import event_files
from ganbench.watching import told

IN_FLIGHT = "inflight"  # of a results folder: checkpoints of groups that are not finished
TABLES_SHARE = 0.03  # of the time, at most: they are made of all groups anew, a kill loses none


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
    engine: Engine | None = None,
) -> Results:
    """Trains what is missing of a suite and returns its tables.

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
        engine: who trains the groups; `engines.local` on `devices` if not given.

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
        store = Store(folder, suite.name, protocols)
        missing = _missing(planned, hashes, store.cells())
        for group in missing:
            _check_group(suite, group)
        if not there:
            until_the_end.callback(_drop_empty, folder)  # where the engine cannot begin
            until_the_end.enter_context(held(folder))
            store = Store(folder, suite.name, protocols)  # whoever was here in between
            missing = _missing(planned, hashes, store.cells())
        everybody = together(*watchers, until_the_end.enter_context(told(folder)))
        keep = partial(_checkpoints, folder, hashes, checkpoint_every, everybody.note)
        job = Job(suite, missing, hashes, lambda: time.monotonic() > deadline, keep)
        trained = until_the_end.enter_context((engine or local(devices))(job, everybody))
        for told_of in store.set_aside():
            everybody.note(told_of)
        _drop_checkpoints(folder, job)
        store.write_tables(order)
        _train(trained, job, store, order, everybody)
    return load(folder)


def _train(
    trained: Trained, job: Job, store: Store, order: Sequence[tuple[str, str]], progress: Progress
) -> None:
    """Stores groups as the engine finishes them; tables are made now and then, and at the end."""
    steps = job.suite.tasks
    progress.begin(len(job.groups), sum(len(g.lanes) * steps[g.task].steps for g in job.groups))
    due = -np.inf
    try:
        for group, finished in trained:
            store.add(*finished)
            if finished.curves is not None:
                job.checkpoints(group).remove()
                progress.curves(finished.curves)
            if (clock := time.monotonic()) > due:
                store.write_tables(order)
                due = time.monotonic() + (time.monotonic() - clock) / TABLES_SHARE
            progress.done(label(group), finished.statuses())
    finally:  # an interrupt too leaves tables of all that is finished
        if job.groups:
            store.write_tables(order)


def _checkpoints(
    folder: Path, hashes: Mapping[str, str], every: float, say: Say, group: Group
) -> Checkpoints:
    cells = [cell_hash(hashes[group.task], cell) for cell in group.cells]
    name = group_name(group.task, group.method, cells)
    return Checkpoints(folder / IN_FLIGHT / name, every, say, versions())


def _drop_checkpoints(folder: Path, job: Job) -> None:
    """Removes those of groups that are finished, or that nobody asks for any more: a kill, or
    another plan, left them.
    """
    wanted = {job.checkpoints(group).folder for group in job.groups}
    for left in (folder / IN_FLIGHT).glob("*/"):
        if left not in wanted:
            shutil.rmtree(left, ignore_errors=True)
    _drop_empty(folder / IN_FLIGHT)


def _drop_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


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
