"""What a suite may ask for: its names and numbers against what there is."""

import json
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ganbench.box import AXES, method_of, points
from ganbench.budget import nets_of
from ganbench.canonical import canonical
from ganbench.claims import LEAST_RUNS, named, selected
from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.errors import BadInput, choices
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.registry import canonical_name, names_of, parameters
from ganbench.schema import RowTable, Suite, TaskTable
from ganbench.tasks.catalogue import TASKS, facts

MODE_SAMPLES = 5  # a mode counts with three samples: at least five must be expected of each


def check_names(suite: Suite) -> None:
    """Raises BadInput naming the first score, diagnostic, task or net that cannot be."""
    for name in suite.scores:
        if name in METRICS:
            raise BadInput(f"scores: {name!r} is in every suite already; leave it out")
        if name not in OPTIONAL:
            raise BadInput(f"scores: unknown score {name!r}; known: {choices(OPTIONAL)}")
        if suite.scores.count(name) > 1:
            raise BadInput(f"scores: {name!r} appears twice")
    for name, times in suite.diagnostics.items():
        if name not in DIAGNOSTICS:
            known = choices(DIAGNOSTICS)
            raise BadInput(f"diagnostics: unknown diagnostic {name!r}; known: {known}")
        least = min(suite.tasks, key=lambda task: suite.tasks[task].evaluations)
        if times > (most := suite.tasks[least].evaluations):
            raise BadInput(
                f"diagnostics.{name}: {times} must be at most the evaluations of every task "
                f"({least}: {most})"
            )
    for name, table in suite.tasks.items():
        _check_table(name, table)
        _check_nets(name, table, suite.seed)


def _check_table(name: str, table: TaskTable) -> None:
    """Raises BadInput naming the first key of `[tasks.NAME]` that does not go with the task."""
    if name not in TASKS:
        raise BadInput(f"tasks.{name}: unknown task; known: {choices(TASKS)}")
    if table.steps % table.evaluations:
        raise BadInput(
            f"tasks.{name}.steps: {table.steps} must be a multiple of evaluations "
            f"({table.evaluations})"
        )
    least = math.ceil(MODE_SAMPLES / facts(name).rarest)
    if table.curve_samples < least:
        raise BadInput(
            f"tasks.{name}.curve_samples: {table.curve_samples} must be at least {least}, "
            f"{MODE_SAMPLES} for the rarest mode: fewer cannot tell half the modes from all"
        )
    if (table.sample_batch or 0) > table.curve_samples:
        raise BadInput(
            f"tasks.{name}.sample_batch: {table.sample_batch} must be at most curve_samples, "
            f"{table.curve_samples}"
        )


def _check_nets(name: str, table: TaskTable, seed: int) -> None:
    """Raises BadInput where a family refuses the task's sizes, or those of a point of its box."""
    try:
        drawn = [] if table.box is None else points(table.box, seed, name)
    except BadInput as error:
        raise BadInput(f"tasks.{name}.{error}") from None
    for point in [{}, *drawn]:
        made = table.model_copy(update=point)
        try:
            nets_of(facts(name).shape, made, made.dropout)
        except BadInput as error:
            raise BadInput(f"tasks.{name}: {error}") from None


def check_claims(suite: Suite, planned: pd.DataFrame) -> None:
    """Raises BadInput naming the first claim or figure of which no run, or too few, are planned, or
    whose row is more than one; and the first claim that holds a run against itself.
    """
    asked: list[tuple[str, str, RowTable, int]] = [
        *((f"published.{i}", x.task, x, 1) for i, x in enumerate(suite.published)),
        *(
            (f"claims.{i}", claim.task, row, LEAST_RUNS)
            for i, claim in enumerate(suite.claims)
            for row in claim.rows
        ),
    ]
    for key, task, row, least in asked:
        own = planned[selected(planned, task, row)]
        if len(own) < least:
            told = f"{len(own)} runs of {named(row)} on {task}, {least} needed"
            raise BadInput(f"{key}: the suite has {told}{_there(planned, task, row)}")
        rows = own["hyperparameters"]
        if suite.tasks[task].box is not None:
            rows = rows.map(lambda text: method_of(json.loads(text)))
        if (n := rows.nunique()) > 1:
            raise BadInput(f"{key}: {named(row)} is {n} rows of the suite: say which")
    for i, claim in enumerate(suite.claims):
        met = sum(selected(planned, claim.task, row).astype(int) for row in claim.rows)
        if np.max(met) > 1:
            raise BadInput(f"claims.{i}.rows: a run is of two of them: name each row once")


def _there(planned: pd.DataFrame, task: str, row: RowTable) -> str:
    """The values that the keys of a row have in the suite, as JSON: 2 is not "2"."""
    every = planned[selected(planned, task, RowTable(method=row.method))]["hyperparameters"]
    found = {
        k: sorted({canonical(json.loads(x).get(k)) for x in every}) for k in row.hyperparameters
    }
    return "".join(f"; {k} is {' or '.join(x)} there" for k, x in found.items() if x)


def check_rows(suite: Suite) -> None:
    """Raises BadInput naming the first task, row or score that the suite does not have.

    Its methods have canonical names.
    """
    for entry in suite.methods:
        for name in entry.tasks or ():
            if name not in suite.tasks:
                raise BadInput(
                    f"methods.{entry.name}.tasks: {name!r} is none of the suite's tasks: "
                    f"{choices(suite.tasks)}"
                )
    asked: list[tuple[str, str, str, Sequence[RowTable]]] = [
        *((f"published.{i}", x.task, x.metric, [x]) for i, x in enumerate(suite.published)),
        *((f"claims.{i}", x.task, x.metric, x.rows) for i, x in enumerate(suite.claims)),
    ]
    for key, task, metric, rows in asked:
        try:
            _check_row(suite, task, metric, rows)
        except BadInput as error:
            raise BadInput(f"{key}.{error}") from None


def _check_row(suite: Suite, task: str, metric: str, rows: Sequence[RowTable]) -> None:
    if task not in suite.tasks:
        raise BadInput(f"task: {task!r} is none of the suite's tasks: {choices(suite.tasks)}")
    if metric not in (known := ["success", *METRICS, *suite.scores]):
        raise BadInput(f"metric: {metric!r} is none of the suite's: {choices(known)}")
    if metric in OPTIONAL and OPTIONAL[metric].better == "neither":
        raise BadInput(f"metric: {metric} is neither better high nor low: nothing to claim of it")
    for row in rows:
        name = canonical_name(row.method)
        entries = [entry for entry in suite.methods if entry.name == name]
        if not entries or (entries[0].tasks is not None and task not in entries[0].tasks):
            raise BadInput(f"method: the suite has no {row.method!r} on {task}")
        known = [f"{n}.{p.name}" for n in names_of(row.method) for p in parameters(n)]
        for key in row.hyperparameters:
            if key not in (known := [*known, *AXES]):
                raise BadInput(f"hyperparameters: {row.method} has no {key!r}: {choices(known)}")
