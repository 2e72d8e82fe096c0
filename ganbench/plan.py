"""A suite's plan: what makes results comparable, and the groups of lanes to train."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from ganbench.box import TRACED, points
from ganbench.budget import Budget
from ganbench.canonical import canonical, digest
from ganbench.errors import BadInput
from ganbench.metrics.catalogue import METRIC_VERSION, METRICS
from ganbench.program import Lane
from ganbench.registry import METHODS, kinds, names_of, resolve, traced_names
from ganbench.schema import MethodTable, Suite, TaskTable, flat
from ganbench.tasks.base import Task
from ganbench.tasks.catalogue import TASKS

SCHEMA = 1  # of every file in a results folder
PROTOCOL_VERSION = 2  # raised whenever nets, optimizer, streams or harness move numbers
BASELINE_LANES = 8  # replicates of `real` that define coverage; their spread is under 0.1 %
BASELINE_EVALUATIONS = 4
ROW = ["task", "method", "hyperparameters"]  # what a leaderboard's row is known by, in every table
RUN = [*ROW, "seed", "replicate"]  # and a run


class Row(NamedTuple):
    """One leaderboard row: a method with one setting of its hyperparameters on one task."""

    task: str
    method: str
    hyperparameters: dict[str, Any]  # all of them, by full name


class Cell(NamedTuple):
    """One run to train: a row's replicate."""

    row: Row
    seed: int
    replicate: int

    def known_by(self) -> dict[str, Any]:
        """What tells it from all other runs, as tables write it."""
        own = canonical(self.row.hyperparameters)
        return dict(zip(RUN, (*self.row[:2], own, self.seed, self.replicate), strict=True))


class Group(NamedTuple):
    """The cells that share everything static: one compilation."""

    task: str
    method: str
    static: dict[str, Any]
    cells: tuple[Cell, ...]
    lanes: tuple[Lane, ...]


def budget_of(table: TaskTable, task: Task) -> Budget:
    """The harness's budget; final scores use max(2500, 26 K) samples."""
    own = {name: getattr(table, name) for name in Budget._fields if name != "final_samples"}
    own |= {name: own[name] or 0.0 for name in ("b1", "b2")}
    return Budget(**own, final_samples=max(2500, 26 * task.modes))


def with_axes(budget: Budget, values: Mapping[str, Any]) -> Budget:
    """`budget` at one point of a box: with those of `values` that are fields of it."""
    own = {k: v for k, v in values.items() if k in Budget._fields and k not in TRACED}
    return budget._replace(**own)


def group_budget(suite: Suite, group: Group, task: Task) -> Budget:
    """The budget of a group: its task's, at the group's point where the task has a box."""
    return with_axes(budget_of(suite.tasks[group.task], task), group.static)


def protocol(suite: Suite, name: str) -> dict[str, Any]:
    """All that makes two results on a task comparable; its `digest` is the protocol hash."""
    task = TASKS[name]()
    budget = budget_of(suite.tasks[name], task)._asdict()
    box = suite.tasks[name].box
    return {
        "version": PROTOCOL_VERSION,
        "task": name,
        "data": task.data_hash,
        "judge": task.judge.hash,
        "metrics": {"version": METRIC_VERSION, "names": [*METRICS, *sorted(suite.scores)]},
        "baseline": {"lanes": BASELINE_LANES, "evaluations": BASELINE_EVALUATIONS},
        "outcome": suite.rules()._asdict(),
        # an option that is not used is not part of it: suites from before there was one stay equal
        "budget": {key: value for key, value in budget.items() if value is not None},
    } | ({} if box is None else {"box": box.model_dump(exclude_none=True)})


def cell_hash(protocol_hash: str, cell: Cell) -> str:
    """What resume and incremental runs go by."""
    row = cell.row
    entries = {name: METHODS[name] for name in names_of(row.method)}
    versions = {
        name: [entry.version, entry.stamp] if entry.stamp else entry.version
        for name, entry in entries.items()
    }
    parts = [protocol_hash, row.method, versions, row.hyperparameters, cell.seed, cell.replicate]
    return digest(parts)


def first_of(runs: pd.DataFrame) -> dict[str, Any]:
    """Of the first of a group's runs, what `is_current` looks at."""
    return {name: runs[name].iat[0] for name in (*RUN, "protocol_hash", "cell")}


def is_current(run: Mapping[Any, Any]) -> bool:
    """Whether a row of `runs.csv` is of its method as it is today, not of an older version.

    A method that is not registered here has no version to compare with: its rows stand.
    """
    row = Row(run["task"], run["method"], json.loads(run["hyperparameters"]))
    try:
        now = cell_hash(run["protocol_hash"], Cell(row, int(run["seed"]), int(run["replicate"])))
    except BadInput:
        return True
    return run["cell"] == now


def _settings(method: str, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every combination of the listed values, completed with defaults and checked."""
    columns = [value if isinstance(value, list) else [value] for value in given.values()]
    for key, column in zip(given, columns, strict=True):
        if not column:
            raise BadInput(f"method {method!r}: {key} = []: a list of values must not be empty")
    for values in itertools.product(*columns):
        yield resolve(method, dict(zip(given, values, strict=True)))


def groups(suite: Suite) -> Iterator[Group]:
    """The suite's groups: tasks as written, the reference rows of each, then its methods.

    Raises:
        BadInput: an unknown method or hyperparameter, or an impossible stack.
    """
    for task, table in suite.tasks.items():
        tried = _tried(suite, task)
        # no net of theirs is trained: the first point's values are as good as any
        first = {k: v for k, v in tried[0].items() if k in TRACED}
        for name in kinds("reference"):
            cells = [Cell(Row(task, name, {}), suite.seed, i) for i in range(table.seeds)]
            lanes = [Lane(c.seed, c.replicate, first) for c in cells]
            yield Group(task, name, {}, tuple(cells), tuple(lanes))
        for entry in suite.methods:
            if METHODS[names_of(entry.name)[0]].kind == "reference":
                raise BadInput(f"methods: {entry.name!r} heads every task already; leave it out")
            if entry.tasks is None or task in entry.tasks:
                yield from _method_groups(suite, task, entry, tried)


def _tried(suite: Suite, task: str) -> list[dict[str, Any]]:
    """What every method of a task is tried at: its learning rates, or the points of its box."""
    table = suite.tasks[task]
    rates = table.learning_rate if isinstance(table.learning_rate, list) else [table.learning_rate]
    if table.box is None:
        return [{"learning_rate": rate} for rate in rates]
    if len(rates) > 1:
        raise BadInput(f"tasks.{task}.learning_rate: a list goes into the box")
    try:
        drawn = points(table.box, suite.seed, task)
    except BadInput as error:
        raise BadInput(f"tasks.{task}.{error}") from None
    return [{"learning_rate": rates[0], **point} for point in drawn]


def _method_groups(
    suite: Suite, task: str, entry: MethodTable, tried: list[dict[str, Any]]
) -> Iterator[Group]:
    """A method's groups. Points of a box are replicates apart: each has data and noise of its own,
    the same for every method.
    """
    traced = traced_names(entry.name) | set(TRACED)
    boxed, seeds = suite.tasks[task].box is not None, suite.tasks[task].seeds
    columns: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    seen: set[str] = set()
    settings = _settings(entry.name, flat(entry.hyperparameters))
    for own, (number, point) in itertools.product(settings, enumerate(tried)):
        values = {**own, **point}
        if canonical(values) in seen:
            raise BadInput(f"method {entry.name!r}: {canonical(values)} is listed twice")
        seen.add(canonical(values))
        static = {k: v for k, v in values.items() if k not in traced}
        columns.setdefault(canonical(static), []).append((number if boxed else 0, values))
    for rows in columns.values():
        cells, lanes = [], []
        for number, values in rows:
            for i in range(number * seeds, (number + 1) * seeds):
                cells.append(Cell(Row(task, entry.name, values), suite.seed, i))
                lane_values = {k: v for k, v in values.items() if k in traced}
                lanes.append(Lane(suite.seed, i, lane_values))
        static = {k: v for k, v in rows[0][1].items() if k not in traced}
        yield Group(task, entry.name, static, tuple(cells), tuple(lanes))
