"""What a report shows, as plain numbers: rows with their rates, and series over training."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ganbench.box import method_of
from ganbench.diagnostics.outcome import STATUSES
from ganbench.errors import BadInput
from ganbench.leaderboard import caution, leaderboard
from ganbench.plan import ROW
from ganbench.registry import kinds
from ganbench.report.series import bands, failures, losses, survival
from ganbench.results import Results
from ganbench.shown.parts import told_apart
from ganbench.trained import label

DIGITS = 4  # significant ones: more than a pixel shows
#: Okabe and Ito's, "Color Universal Design", 2008: told apart by those who do not see all colours.
HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c")
FIRST, PLAIN = 4, "nonsaturating"
COVERED = "modes"  # the score whose course is shown
BAND = ("step", "middle", "low", "high")
CURVE = ("step", "share", "low", "high")


class Contents(NamedTuple):
    """Rows, tasks and series, made of numbers, texts, lists and tables alone."""

    numbers: dict[str, Any]
    places: dict[tuple[str, ...], int]  # of each `plan.ROW` of the runs, among the rows

    def by_run(self, runs: pd.DataFrame) -> dict[str, int]:
        """Each run's place among the rows, by `trained.label`."""
        return {
            label(run): self.places[tuple(run[n] for n in ROW)] for run in runs.to_dict("records")
        }


def contents(results: Results) -> Contents:
    """What a report shows of a results folder.

    A task with a box has a row a method, of all its points, with neither intervals nor ranks:
    runs of one shape have their nets in common (`robustness.csv` has intervals that know it).
    Where no provenance says how long runs were trained, there is neither survival nor a cost.

    Raises:
        BadInput: results without a row.
    """
    if results.leaderboard.empty:
        raise BadInput(f"{results.folder}: no run is finished yet")
    rows_of_runs, results = results.runs[ROW].drop_duplicates(), _by_method(results)
    board = results.leaderboard.assign(label=told_apart(results.leaderboard))
    ids = {tuple(row): i for i, row in enumerate(board[ROW].to_numpy())}
    steps = {task: _steps(results, task) for task in dict.fromkeys(board["task"])}
    boxed = board["task"].isin(results.boxed()).tolist()
    rows = zip(board.to_dict("records"), failures(board).to_dict("records"), boxed, strict=True)
    ranked = ~results.leaderboard["method"].isin(kinds("reference"))
    numbers = {
        "rows": [_row(row, failed, steps[row["task"]], of_box) for row, failed, of_box in rows],
        "tasks": {
            task: _task(board[board["task"] == task], task in results.boxed())
            | {"drawn": drawn_first(board["method"][ranked & (board["task"] == task)])}
            for task in steps
        },
        "bands": {
            metric: _by_row(bands(results.curves, metric, dead), ids, BAND)
            for metric, dead in _metrics(results.curves)
        },
        "survival": {
            row: series
            for task, n in steps.items()
            if n is not None
            for row, series in _by_row(_survival(results, task, n), ids, CURVE).items()
        },
        "hues": HUES,
        "statuses": [status.name for status in STATUSES],
    }
    reduced = _own(rows_of_runs, results.boxed())[ROW]
    both = zip(rows_of_runs.to_numpy(), reduced.to_numpy(), strict=True)
    return Contents(numbers, {tuple(own): ids[tuple(row)] for own, row in both})


def drawn_first(methods: pd.Series) -> list[int]:
    """The places of the rows of a task that are drawn unless others are asked for.

    The first rows of the four best methods, of `nonsaturating` and of the last method.
    """
    firsts = methods.drop_duplicates()
    chosen = pd.concat([firsts[:FIRST], firsts[firsts == PLAIN], firsts[-1:]])
    return sorted({int(place) for place in chosen.index})


def _by_method(results: Results) -> Results:
    """The tables, with a row a method instead of one a point where a task has a box."""
    boxed = results.boxed()
    if not boxed:
        return results
    runs, curves = (_own(frame, boxed) for frame in (results.runs, results.curves))
    board = leaderboard(runs, kinds("reference"))
    return results._replace(runs=runs, curves=curves, leaderboard=board)


def _own(frame: pd.DataFrame, boxed: Sequence[str]) -> pd.DataFrame:
    """`frame` without the hyperparameters that boxes vary."""
    if frame.empty:
        return frame
    of_box = frame["task"].isin(list(boxed))
    texts = frame.loc[of_box, "hyperparameters"]
    own = {text: method_of(json.loads(text)) for text in texts.unique()}
    return frame.assign(hyperparameters=frame["hyperparameters"].mask(of_box, texts.map(own)))


def _steps(results: Results, task: str) -> int | None:
    """How long a task's runs are trained, if the results say it."""
    return results.provenance.get("protocols", {}).get(task, {}).get("budget", {}).get("steps")


def _survival(results: Results, task: str, steps: int) -> pd.DataFrame:
    runs = results.runs
    methods = ~runs["method"].isin(kinds("reference"))
    made = survival(runs[(runs["task"] == task) & methods], steps)
    return made.assign(low=math.nan, high=math.nan) if task in results.boxed() else made


def _metrics(curves: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """What is shown over training; a run that diverged covers nothing, and has no loss."""
    if len(curves):
        yield COVERED, 0.0
        yield from ((name, math.nan) for name in losses(curves))


def _row(
    row: Mapping[Any, Any], failed: Mapping[Any, Any], steps: int | None, boxed: bool
) -> dict[str, Any]:
    names = [status.name for status in STATUSES]
    ends = (None, None) if boxed else (row["success_low"], row["success_high"])
    failed_ends = (None, None) if boxed else (failed["low"], failed["high"])
    return {
        **{name: row[name] for name in (*ROW, "label")},
        "reference": row["method"] in kinds("reference"),
        "rank": None if boxed else _plain(row["rank"]),
        "ranks": [None, None] if boxed else [_plain(row["rank_low"]), _plain(row["rank_high"])],
        "n": int(row["n"]),
        "success": [_plain(x) for x in (row["success_rate"], *ends)],
        "failed": [_plain(x) for x in (failed["rate"], *failed_ends)],
        "modes": [_plain(row[f"modes_{part}"]) for part in ("mean", "low", "high")],
        "modes_n": int(row["modes_n"]),
        "ended": {name: int(row[f"n_{name}"]) for name in names if row[f"n_{name}"]},
        "seconds": None if steps is None else _plain(row["cost_ms_per_step_lane"] * steps / 1000),
    }


def _task(board: pd.DataFrame, boxed: bool) -> dict[str, Any]:
    real = board.loc[board["method"] == "real", "modes_mean"]
    told = caution(board) if board["rank"].notna().any() and not boxed else None
    return {"real": _plain(real.iloc[0]) if len(real) else None, "caution": told}


def _by_row(
    table: pd.DataFrame, ids: Mapping[tuple[str, ...], int], columns: Sequence[str]
) -> dict[str, list[list[float | None]]]:
    """`columns` of each row's part of a table, by the row's place on the leaderboard."""
    parts = table.groupby(ROW, sort=False)
    return {
        str(ids[tuple(map(str, names))]): [[_plain(x) for x in part[column]] for column in columns]
        for names, part in parts
    }


def _plain(value: Any) -> float | int | None:
    """A number as JSON can hold it; None if there is none, or an infinite one."""
    if pd.isna(value) or not math.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
