"""The games of a results folder as their training left them, restored from `states/`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from ganbench import kept
from ganbench.budget import Budget, setting_of
from ganbench.canonical import canonical
from ganbench.diagnostics.inside import Inside, inside
from ganbench.diagnostics.outcome import UNFINISHED
from ganbench.errors import BadInput, choices
from ganbench.finished import read_arrays
from ganbench.game import TrainState
from ganbench.plan import first_of, is_current, with_axes
from ganbench.registry import plays, recipe
from ganbench.results import read_provenance, read_runs
from ganbench.shared import shared_of
from ganbench.tasks.base import Task
from ganbench.tasks.catalogue import TASKS

Run = tuple[int, int]  # seed and replicate


class Trained(NamedTuple):
    """A row of the leaderboard: its game, and the states of its task's R runs, stacked."""

    method: str
    hyperparameters: str  # canonical JSON, as in the tables
    game: Inside
    states: TrainState  # (R, ...)
    alive: np.ndarray  # (R,) bool: False for a run that the row lacks or that diverged


def trained(folder: Path) -> dict[str, tuple[list[Run], list[Trained]]]:
    """By task: its runs, and the rows that were trained and kept, in the order of `runs.csv`.

    Without the games of two numbers, which have no samples.

    Raises:
        BadInput: no results folder, no states in it, or states of other data or nets than this
            version has.
    """
    rows = read_runs(folder / "runs.csv")
    protocols, where = read_provenance(folder).get("protocols", {}), dict(_kept(folder))
    places = [where.get(label(run)) for run in rows.to_dict("records")]
    rows = rows.assign(place=pd.Series(places, rows.index, dtype=object))
    played = [plays(method) for method in rows["method"]]
    shown = [task in TASKS and TASKS[task]().shown is not None for task in rows["task"]]
    rows = rows[rows["place"].notna() & np.array(played, bool) & ~np.array(shown, bool)]
    if rows.empty:
        raise BadInput(f"{folder}: no states of trained runs; suites keep them with keep.states")
    tasks = rows["task"].unique()
    for task in tasks:
        if task not in TASKS:
            raise BadInput(f"{folder}: task {task!r} is not known here; known: {choices(TASKS)}")
        if task not in protocols:
            raise BadInput(f"{folder}: provenance.json has no protocol of task {task}")
    return {t: _of_task(TASKS[t](), rows[rows["task"] == t], protocols[t]) for t in tasks}


def label(run: Mapping[Any, Any]) -> str:
    """What tells a row of `runs.csv` from all others, as files of arrays write it down."""
    own = json.loads(run["hyperparameters"])
    seed, replicate = int(run["seed"]), int(run["replicate"])
    return canonical([run["task"], run["method"], own, seed, replicate])


def _of_task(
    task: Task, rows: pd.DataFrame, protocol: Mapping[str, Any]
) -> tuple[list[Run], list[Trained]]:
    if protocol.get("data") != task.data_hash:
        raise BadInput(f"task {task.name}: runs on other data than this version has")
    if not protocol.get("budget", {}).keys() <= set(Budget._fields):
        raise BadInput(f"task {task.name}: runs of a budget that this version does not know")
    runs = sorted(set(zip(rows["seed"], rows["replicate"], strict=True)))
    each = [own for _, own in rows.groupby(["method", "hyperparameters"], sort=False)]
    return runs, [_row(own, runs, protocol, task) for own in each]


def _kept(folder: Path) -> Iterator[tuple[str, tuple[Path, int]]]:
    """(label, (file, lane)) of every run with a state whose method is what it was."""
    for group in sorted((folder / "groups").glob("[!.]*/runs.csv")):
        path = folder / "states" / f"{group.parent.name}.npz"
        if path.is_file() and is_current(first_of(read_runs(group))):
            cells = read_arrays(path, ["cells"])["cells"]
            yield from ((str(x), (path, i)) for i, x in enumerate(cells))


def _row(rows: pd.DataFrame, runs: list[Run], protocol: Mapping[str, Any], task: Task) -> Trained:
    method, values = rows["method"].iloc[0], rows["hyperparameters"].iloc[0]
    own = json.loads(values)
    budget = with_axes(Budget(**protocol["budget"]), own)
    setting = setting_of(task, own, budget, jax.tree.map(jnp.asarray, shared_of(task)))
    game = inside(recipe(method, own, setting), setting)
    like = jax.eval_shape(game.method.init, jax.random.key(0))
    rows = rows.set_index(["seed", "replicate"])
    alive = ~rows["status"].isin(UNFINISHED)
    places = [rows["place"].get(run, rows["place"].iloc[0]) for run in runs]
    files = {path: read_arrays(path) for path in {path for path, _ in places}}
    states = [kept.restored(files[path], lane, like) for path, lane in places]
    return Trained(
        method,
        values,
        game,
        jax.tree.map(lambda *leaves: np.stack(leaves), *states),
        np.array([bool(alive.get(run, False)) for run in runs]),
    )
