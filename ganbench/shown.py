"""Tables for a terminal: what it has room for; the CSV files hold the rest."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from rich.console import RenderableType
from rich.table import Table

from ganbench.diagnostics.outcome import STATUSES
from ganbench.errors import BadInput, choices
from ganbench.intervals import described
from ganbench.leaderboard import caution

RATE = "learning_rate"


def leaderboard(board: pd.DataFrame) -> Iterator[RenderableType]:
    """One table a task, and below it what its n cannot tell apart."""
    rates = [own.get(RATE) for own in _values(board)]
    told = ["" if rate is None else f"{rate:g}" for rate in rates]
    board = board.assign(rate=told, own=_told_apart(board, but=RATE))
    for task, rows in board.groupby("task", sort=False):
        table = _table(task)
        for column in ("rank", "method", "rate", "success [95 %]", "n", "modes", "how it ended"):
            table.add_column(column, no_wrap=column != "how it ended")
        for _, row in rows.iterrows():
            low, high = row["rank_low"], row["rank_high"]
            rank = "" if pd.isna(row["rank"]) else f"{row['rank']:.0f} ({low:.0f}-{high:.0f})"
            between = f"[{row['success_low']:.2f}, {row['success_high']:.2f}]"
            modes = "-" if pd.isna(row["modes_mean"]) else f"{row['modes_mean']:.1f}"
            modes += "" if row["modes_n"] == row["n"] else f" (n = {row['modes_n']})"
            success = f"{row['success_rate']:.2f} {between}"
            cells = (rank, row["own"], row["rate"], success, str(row["n"]), modes, _ended(row))
            table.add_row(*cells)
        yield table
        if said := caution(rows):
            yield said
        yield ""


def scores(
    board: pd.DataFrame, names: Sequence[str], above_floor: bool = False
) -> Iterator[RenderableType]:
    """One table a task: the mean of each score of `names` with its interval, and how far it holds.

    Args:
        above_floor: less the mean of the task's `real` row, which is what a perfect sampler scores
            with as many samples and the same judge; that row's own spread is not in the interval.

    Raises:
        BadInput: a score that the leaderboard does not have.
    """
    for name in names:
        if f"{name}_mean" not in board:
            columns = map(str, board.columns)
            known = [c.removesuffix("_mean") for c in columns if c.endswith("_mean")]
            raise BadInput(f"--scores: {name!r} is none of this leaderboard's: {choices(known)}")
    board = board.assign(own=_told_apart(board))
    for task, rows in board.groupby("task", sort=False):
        table = _table(task, "method", *names)
        less = dict.fromkeys(names, 0.0)
        if above_floor:
            floor = rows[rows["method"] == "real"]
            if floor.empty:
                raise BadInput(f"--above-floor: task {task} has no row real to go by")
            less = {name: floor[f"{name}_mean"].iloc[0] for name in names}
        for _, row in rows.iterrows():
            table.add_row(row["own"], *(_mean(row, name, less[name]) for name in names))
        yield table
        n = int(rows["n"].max())
        told = "; ".join(f"{name}: {described(name, n, str(task))}" for name in names)
        yield f"intervals of this version at n = {n}, in the reference suites' runs: {told}"
        yield ""


def _mean(row: pd.Series, name: str, less: float) -> str:
    """A score's mean with its interval, and n where not all runs of the row have one."""
    mean, low, high = (row[f"{name}_{part}"] - less for part in ("mean", "low", "high"))
    if pd.isna(mean):
        return "-"
    told = f"{mean:.4g}" + ("" if pd.isna(low) else f" [{low:.4g}, {high:.4g}]")
    n = row[f"{name}_n"]
    return told if n == row["n"] else f"{told} (n = {n})"


def tournament(board: pd.DataFrame) -> Iterator[RenderableType]:
    """One table a task: whose samples the other rows' discriminators take for real."""
    board = board.assign(own=_told_apart(board))
    heads = ("method", "taken for real [95 %]", "n", "by the worst judge", "judges")
    for task, rows in board.groupby("task", sort=False):
        table = _table(task, *heads)
        for _, row in rows.iterrows():
            mean, low, high, worst = (
                f"{row[f'gam2_{x}']:.2f}" for x in ("mean", "low", "high", "worst")
            )
            share = (
                "-" if not row["gam2_n"] else mean if low == "nan" else f"{mean} [{low}, {high}]"
            )
            worst = worst if row["gam2_n"] else "-"
            table.add_row(row["own"], share, str(row["gam2_n"]), worst, str(row["judges"]))
        yield table
        yield ""


def informativeness(board: pd.DataFrame) -> Iterator[RenderableType]:
    """One table a task: how far each row's discriminator loss tells the quality of its samples."""
    board = board.assign(own=_told_apart(board))
    heads = ("method", "rank correlation [95 %]", "n", "above 0.5", "without one")
    for task, rows in board.groupby("task", sort=False):
        table = _table(task, *heads)
        for _, row in rows.iterrows():
            mean, low, high = (f"{row[x]:.2f}" for x in ("mean", "low", "high"))
            told = "-" if not row["n"] else mean if low == "nan" else f"{mean} [{low}, {high}]"
            share = f"{row['informative']:.2f}" if row["n"] else "-"
            table.add_row(row["own"], told, str(row["n"]), share, row["note"])
        yield table
        yield ""


def robustness(rows: pd.DataFrame) -> Iterator[RenderableType]:
    """One table a task with a box: the share that succeeds, and the best of so many trials."""
    trials = [
        name for name in rows if str(name).startswith("best_of_") and rows[name].notna().any()
    ]
    best = [str(name) for name in trials if not str(name).endswith(("_low", "_high"))]
    heads = [f"best of {name.removeprefix('best_of_')}" for name in best]
    for task, own in rows.groupby("task", sort=False):
        title = f"{task}: all of the box; best: share of real's modes to expect of so many trials"
        table = _table(title, "method", "success [95 %]", "n", "shapes", *heads)
        for name, (_, row) in zip(_told_apart(own), own.iterrows(), strict=True):
            told = [_with_ends(row, b, f"{b}_low", f"{b}_high") for b in best]
            success = _with_ends(row, "success_rate", "success_low", "success_high")
            table.add_row(name, success, str(row["n"]), str(row["shapes"]), *told)
        yield table
        yield ""


def _with_ends(row: pd.Series, value: str, low: str, high: str) -> str:
    return f"{row[value]:.2f} [{row[low]:.2f}, {row[high]:.2f}]"


def _table(title: Any, *columns: str) -> Table:
    table = Table(title=str(title), title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _values(board: pd.DataFrame) -> list[dict[str, Any]]:
    return [json.loads(text) for text in board["hyperparameters"]]


def _ended(row: Any) -> str:
    """How a row's runs ended, the most frequent status first: "9 ok, 7 collapsed"."""
    names = [status.name for status in STATUSES]
    seen = {name: row[f"n_{name}"] for name in names if row[f"n_{name}"]}
    return ", ".join(f"{n} {name}" for name, n in sorted(seen.items(), key=lambda x: -x[1]))


def _told_apart(board: pd.DataFrame, but: str = "") -> list[str]:
    """Each row's method, with those hyperparameters that it does not share with the like rows.

    Args:
        but: a hyperparameter that is shown elsewhere.
    """
    values = _values(board)
    keys = list(zip(board["task"], board["method"], strict=True))

    def differing(i: int) -> str:
        like = [own for key, own in zip(keys, values, strict=True) if key == keys[i]]
        names = [n for n in values[i] if len({str(own.get(n)) for own in like}) > 1]
        return ", ".join(f"{n}={values[i][n]}" for n in names if n != but)

    told = map(differing, range(len(keys)))
    return [f"{m} ({own})" if own else m for (_, m), own in zip(keys, told, strict=True)]
