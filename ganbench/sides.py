"""One side of a comparison: a leaderboard, and its runs where they are at hand."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ganbench.box import shape_of
from ganbench.canonical import canonical
from ganbench.errors import BadInput, choices
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.plan import ROW
from ganbench.registry import kinds
from ganbench.results import boxed, read_board, read_provenance, read_runs
from ganbench.robustness import TRIALS, by_method, robustness

SUCCESS = "success"
Estimate = tuple[float, float, float]  # a value with the ends of its interval
Key = tuple[str, str]  # method and hyperparameters
Count = tuple[int, int]  # successes, and of how many runs


class Side(NamedTuple):
    """A leaderboard; its runs and its tasks' protocols, if it lies in a results folder."""

    where: str
    board: pd.DataFrame
    runs: pd.DataFrame | None
    protocols: Mapping[str, Mapping[str, Any]]


class Row(NamedTuple):
    """What is known of a method with one setting of its hyperparameters."""

    n: int
    successes: int
    counts: Mapping[Any, Count]  # of each run, in a box of each shape; empty if not known
    ran: frozenset[Any]  # what tells its runs from other runs of the row
    shaped: bool  # whether the row is a box
    estimates: Mapping[str, Estimate]  # of success, and of each score


def side(path: Path) -> Side:
    """The leaderboard in the file `path`, or that of the results folder there with its runs.

    Raises:
        BadInput: no leaderboard there, or a broken one, naming what is wrong.
    """
    if not path.is_dir():
        return Side(str(path), read_board(path), None, {})
    runs = path / "runs.csv"
    known = read_provenance(path).get("protocols", {})
    return Side(
        str(path),
        read_board(path / "leaderboard.csv"),
        read_runs(runs) if runs.is_file() else None,
        known,
    )


def rows(of: Side, task: str) -> Iterator[tuple[Key, Row]]:
    """The rows of a task without those of reference; of a task with a box a row a method."""
    runs = None if of.runs is None else of.runs[of.runs["task"] == task]
    if task in boxed({"protocols": of.protocols}):
        return _of_box(task, runs)
    each = {} if runs is None else dict(iter(runs.groupby(ROW[1:])))
    board = of.board[(of.board["task"] == task) & ~of.board["method"].isin(kinds("reference"))]
    return (_of_board(row, each) for row in board.to_dict("records"))


def _of_board(row: Mapping[Any, Any], runs: Mapping[Any, pd.DataFrame]) -> tuple[Key, Row]:
    key = (row["method"], row["hyperparameters"])
    own = runs.get(key)
    counts = _by_run(own) if own is not None and len(own) == row["n"] else {}
    if counts and sum(k for k, _ in counts.values()) != row["successes"]:
        raise BadInput(
            f"task {row['task']}, {' '.join(key)}: runs.csv has not the {row['successes']} "
            "successes that leaderboard.csv has"
        )
    estimates = {SUCCESS: (row["success_rate"], row["success_low"], row["success_high"])} | {
        name: (row[f"{name}_mean"], row[f"{name}_low"], row[f"{name}_high"])
        for name in (*METRICS, *OPTIONAL)
        if f"{name}_mean" in row
    }
    return key, Row(row["n"], row["successes"], counts, frozenset(counts), False, estimates)


def where(a: Side, b: Side, values: Mapping[str, Any]) -> tuple[Side, Side]:
    """Both without the rows that have one of these hyperparameters at another value.

    Raises:
        BadInput: a hyperparameter that no row of either has, or a value that none has it at.
    """
    texts = pd.concat([a.board["hyperparameters"], b.board["hyperparameters"]]).unique()
    tables = {text: json.loads(text) for text in texts}
    for name, value in values.items():
        known = [table[name] for table in tables.values() if name in table]
        if not known:
            names = choices({own for table in tables.values() for own in table}) or "none"
            raise BadInput(f"--where: no row has {name!r}; known: {names}")
        if value not in known:
            raise BadInput(
                f"--where: no row has {name} = {value}; known: {choices(set(map(str, known)))}"
            )
    kept = [
        text
        for text, table in tables.items()
        if all(table.get(name, value) == value for name, value in values.items())
    ]
    return _with(a, kept), _with(b, kept)


def _with(of: Side, hyperparameters: Sequence[str]) -> Side:
    def own(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["hyperparameters"].isin(hyperparameters)]

    return of._replace(board=own(of.board), runs=None if of.runs is None else own(of.runs))


def of_methods(a: Side, b: Side, methods: tuple[str, str]) -> tuple[Side, Side]:
    """One method of either side alone, under one name, so that their rows can be compared.

    Of the hyperparameters those stay that are no method's: the task's rate, a box's axes.

    Raises:
        BadInput: no such row, or two that differ in the method's own hyperparameters alone.
    """
    called = " to ".join(methods)
    return _of_method(a, methods[0], called), _of_method(b, methods[1], called)


def _of_method(of: Side, method: str, called: str) -> Side:
    board, runs = (None if x is None else _renamed(x, method, called) for x in (of.board, of.runs))
    assert board is not None
    if board.empty:
        known = choices(set(of.board["method"]) - set(kinds("reference")))
        raise BadInput(f"--methods: {method!r} has no row in {of.where}; it has: {known}")
    for _, row in board[board.duplicated(ROW)].iterrows():
        raise BadInput(
            f"--methods: {method!r} has more than one row on {row['task']} in {of.where}, which "
            "differ in its own hyperparameters: pick one with --where, as in --where r1.gamma=0.01"
        )
    return of._replace(board=board, runs=runs)


def _renamed(frame: pd.DataFrame, method: str, called: str) -> pd.DataFrame:
    own = frame[frame["method"] == method]
    tables = {text: json.loads(text) for text in own["hyperparameters"].unique()}
    shared = {
        text: canonical({k: v for k, v in table.items() if "." not in k})
        for text, table in tables.items()
    }
    return own.assign(method=called, hyperparameters=own["hyperparameters"].map(shared))


def _by_run(runs: pd.DataFrame) -> dict[Any, Count]:
    where = zip(runs["seed"], runs["replicate"], strict=True)
    return {key: (int(k), 1) for key, k in zip(where, runs["success"], strict=True)}


def _of_box(task: str, runs: pd.DataFrame | None) -> Iterator[tuple[Key, Row]]:
    """Its runs of each method; what the program stopped is left out, as `robustness` does."""
    if runs is None:
        raise BadInput(f"task {task} has a box of hyperparameters: its runs.csv is needed")
    box = (runs, [task], kinds("reference"))
    for (names, own), row in zip(by_method(*box), robustness(*box).to_dict("records"), strict=True):
        success = own["success"]
        apart = own["hyperparameters"].map(lambda text: shape_of(json.loads(text)))
        if apart.nunique() == 1:  # rates alone vary: points are apart then, as in `robustness`
            apart = own["hyperparameters"]
        each = success.groupby(apart)
        counts = {key: (int(part.sum()), len(part)) for key, part in each}
        ran = frozenset(zip(own["hyperparameters"], own["seed"], own["replicate"], strict=True))
        best = [f"best_of_{trials}" for trials in TRIALS]
        estimates = {SUCCESS: (row["success_rate"], row["success_low"], row["success_high"])}
        estimates |= {name: (row[name], row[f"{name}_low"], row[f"{name}_high"]) for name in best}
        key = (names["method"], names["hyperparameters"])
        yield key, Row(len(own), int(success.sum()), counts, ran, True, estimates)
