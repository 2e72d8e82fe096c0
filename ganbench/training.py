"""One group, trained: what a results folder takes of it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ganbench import kept, memory
from ganbench.checkpoint import Checkpoints
from ganbench.errors import BadInput
from ganbench.harness import Advance, Cost, Stopped, Trainer, prepared
from ganbench.plan import (
    BASELINE_EVALUATIONS,
    BASELINE_LANES,
    Group,
    budget_of,
    group_budget,
)
from ganbench.program import Lane
from ganbench.record import Record
from ganbench.room import Say
from ganbench.schema import Suite
from ganbench.scoring import scorers
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


class Finished(NamedTuple):
    """What a group's training gives the store, see `Store.add`."""

    rows: list[dict[str, Any]]
    curves: pd.DataFrame | None = None
    scores: Sequence[dict[str, Any]] = ()
    samples: Mapping[str, np.ndarray] | None = None
    states: Mapping[str, np.ndarray] | None = None

    def statuses(self) -> list[str]:
        """How its runs ended."""
        return [row["status"] for row in self.rows]


def scale_of(suite: Suite, name: str, protocol_hash: str, devices: Sequence[jax.Device]) -> Scale:
    """What a task's runs are held against: it depends on the protocol alone, on no run."""
    task = TASKS[name]()
    budget = budget_of(suite.tasks[name], task)
    budget = budget._replace(steps=BASELINE_EVALUATIONS, evaluations=BASELINE_EVALUATIONS)
    lanes = [Lane(0, i, {"learning_rate": 0.0}, "baseline") for i in range(BASELINE_LANES)]
    records, _ = prepared(task, "real", {}, lanes, budget, devices)()
    kind = devices[0].device_kind
    baseline = baseline_of(task, records)
    return Scale(task, suite.rules(), baseline, protocol_hash, kind, scorers(task, suite.scores))


def compiled(suite: Suite, group: Group, devices: Sequence[jax.Device], say: Say) -> Trainer:
    """What trains a group."""
    task = TASKS[group.task]()
    budget = group_budget(suite, group, task)
    lanes, asked = group.lanes, suite.diagnostics
    return prepared(task, group.method, group.static, lanes, budget, devices, asked, say)


def train(
    suite: Suite,
    group: Group,
    trainer: Callable[[], Trainer],
    scale: Callable[[], Scale],
    protocol_hash: str,
    advance: Advance,
    checkpoints: Checkpoints | None,
) -> Finished:
    """Trains a group; what raises, in `trainer()` or `scale()` too, makes rows that are `failed`.

    Raises:
        BadInput: a checkpoint cannot be written.
    """
    try:
        run = trainer()
        # the last bits of an eigenvalue of 200 features hang on how many threads linear algebra has
        # in NumPy and SciPy, and that on how many cores there are
        with threadpool_limits(1):
            return _finished(suite, group, scale(), *run(advance, checkpoints))
    except BadInput:
        raise
    except Exception as error:
        passing = isinstance(error, Stopped | OSError | jax.errors.JaxRuntimeError)
        if checkpoints and not (passing or memory.ran_out(error)):  # else the next call goes on
            checkpoints.remove()
        return failed(group, error, protocol_hash, jax.devices()[0].device_kind)


def _finished(
    suite: Suite, group: Group, scale: Scale, records: Sequence[Record], cost: Cost
) -> Finished:
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
    return Finished(rows, curves, scored, samples, states)


def failed(group: Group, error: Exception, protocol_hash: str, device: str) -> Finished:
    """The rows of a group that the program stopped: a row is not the end of a sweep."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    reason = re.sub(r"0x[0-9a-f]+", "0x...", reason)  # an address differs from run to run
    task = TASKS[group.task]()
    return Finished([failed_row(c, reason, task, protocol_hash, device) for c in group.cells])
