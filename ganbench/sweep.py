"""A suite, trained: groups in order, each stored when it is done, tables kept up to date."""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from ganbench import suite as suites
from ganbench.errors import BadInput
from ganbench.harness import Record, Stopped, flat, train
from ganbench.plan import (
    BASELINE_EVALUATIONS,
    BASELINE_LANES,
    SCHEMA,
    Group,
    budget_of,
    canonical,
    cell_hash,
    digest,
    groups,
    protocol,
)
from ganbench.program import Lane, setting_of, shared_of
from ganbench.registry import check
from ganbench.results import Results, load
from ganbench.runtime import use_compilation_cache
from ganbench.schema import Suite
from ganbench.store import Store
from ganbench.tables import Scale, baseline_of, curve_rows, failed_row, run_row
from ganbench.tasks.base import Task
from ganbench.tasks.catalogue import TASKS

TABLES_SHARE = 0.03  # of the time, at most: they are made of all groups anew, a kill loses none


class Progress(NamedTuple):
    """What a sweep tells whoever watches; every default says nothing."""

    begin: Callable[[int, int], None] = lambda groups, lane_steps: None
    group: Callable[[str], None] = lambda label: None
    advance: Callable[[int], None] = lambda lane_steps: None
    done: Callable[[str, Sequence[str]], None] = lambda label, statuses: None
    stopped: Callable[[int], None] = lambda groups_left: None


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
) -> Results:
    """Trains what is missing of a suite and returns its tables.

    Args:
        suite: a name, a file, or a `Suite`.
        out: the results folder; `results/<suite>` if not given.
        seeds, seed, steps, methods, tasks: replace the suite's own.
        max_minutes: after that long no further group starts; the one in flight is stopped at its
            next evaluation and recorded as `failed`; the next call trains it.
        devices: what to train on; all there are if not given.
        progress: what to tell while it runs.

    Raises:
        BadInput: a bad suite or argument, or a folder of another protocol; nothing is written.
    """
    if not isinstance(suite, Suite):
        suite = suites.read(suites.find(str(suite)))
    order = [(g.task, g.method) for g in groups(suite)]
    suite = suites.with_overrides(suite, seeds, seed, steps, methods, tasks)
    use_compilation_cache()
    devices, progress = devices or jax.devices(), progress or Progress()
    protocols = {name: protocol(suite, name) for name in suite.tasks}
    kind = devices[0].device_kind
    store = Store(Path(out or Path("results") / suite.name), suite.name, protocols, kind)
    hashes = {name: digest(made) for name, made in protocols.items()}
    planned = list(groups(suite))
    missing = _missing(planned, hashes, store.cells())
    deadline = time.monotonic() + 60 * max_minutes if max_minutes is not None else np.inf
    for group in missing:
        _check_group(suite, group)
    store.write_tables(order)
    progress.begin(len(missing), sum(len(g.lanes) * suite.tasks[g.task].steps for g in missing))
    scales: dict[str, Scale] = {}
    due = -np.inf
    for done, group in enumerate(missing):
        if time.monotonic() > deadline:
            progress.stopped(len(missing) - done)
            break
        if group.task not in scales:
            scales[group.task] = _scale(suite, group.task, hashes[group.task], devices)
        label = f"{group.task} {group.method}"
        progress.group(label)
        statuses = _train_group(
            suite, group, scales[group.task], store, devices, progress, deadline
        )
        if (clock := time.monotonic()) > due:
            store.write_tables(order)
            due = time.monotonic() + (time.monotonic() - clock) / TABLES_SHARE
        progress.done(label, statuses)
    if missing:
        store.write_tables(order)
    return load(store.folder)


def _check_group(suite: Suite, group: Group) -> None:
    """Raises BadInput if the group's method cannot be built on its task."""
    task = TASKS[group.task]()
    budget = budget_of(suite.tasks[group.task], task)
    values = {**group.static, **group.lanes[0].values}
    shared = jax.tree.map(jnp.asarray, shared_of(task))
    try:
        check(group.method, values, setting_of(task, values["learning_rate"], budget, shared))
    except BadInput:
        raise
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
    records, _ = train(task, "real", {}, lanes, budget, devices)
    kind = devices[0].device_kind
    return Scale(task, suite.rules(), baseline_of(task, records), protocol_hash, kind)


def _train_group(
    suite: Suite,
    group: Group,
    scale: Scale,
    store: Store,
    devices: Sequence[jax.Device],
    progress: Progress,
    deadline: float,
) -> list[str]:
    def advance(lane_steps: int) -> None:
        progress.advance(lane_steps)
        if time.monotonic() > deadline:
            raise Stopped("time limit")

    budget = budget_of(suite.tasks[group.task], scale.task)
    try:
        records, cost = train(
            scale.task, group.method, group.static, group.lanes, budget, devices, advance
        )
    except Exception as error:  # a method that raises is a row, not the end of the sweep
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        reason = re.sub(r"0x[0-9a-f]+", "0x...", reason)  # an address differs from run to run
        rows = [failed_row(cell, reason, scale) for cell in group.cells]
        store.add(rows)
        return [row["status"] for row in rows]
    pairs = list(zip(group.cells, records, strict=True))
    rows = [run_row(cell, record, scale, cost) for cell, record in pairs]
    curves = pd.concat([curve_rows(c, r, scale) for c, r in pairs], ignore_index=True)
    samples = _samples(scale.task, group, records) if suite.keep.samples else None
    states = _states(group, records) if suite.keep.states else None
    store.add(rows, curves, samples, states)
    return [row["status"] for row in rows]


def _small(task: Task, x: np.ndarray) -> np.ndarray:
    """Images (in [-1, 1]) as uint8, other samples as float16: what a figure needs."""
    if len(task.shape) == 1:
        return np.clip(x, -65504, 65504).astype(np.float16)
    finite = np.nan_to_num(x, nan=-1.0)
    return np.clip(np.rint((finite + 1) * 127.5), 0, 255).astype(np.uint8)


def _labelled(group: Group) -> dict[str, np.ndarray]:
    """What tells the lanes of a file apart: each one's row, seed and replicate."""
    labels = [canonical([*c.row, c.seed, c.replicate]) for c in group.cells]
    return {"schema": np.array(SCHEMA), "cells": np.array(labels)}


def _samples(task: Task, group: Group, records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Samples of each run, by lane: 256 at every evaluation, and all of the final ones."""
    return {
        **_labelled(group),
        "steps": records[0].steps,
        "curve": np.stack([_small(task, r.curve_samples) for r in records]),
        "final": np.stack([_small(task, r.final_samples) for r in records]),
    }


def _states(group: Group, records: Sequence[Record]) -> dict[str, Any]:
    """Final parameters, each leaf with the lanes in front."""
    leaves = [dict(flat(record.params)) for record in records]
    stacked = {name: np.stack([own[name] for own in leaves]) for name in leaves[0]}
    return {**_labelled(group), **stacked} if stacked else {}
