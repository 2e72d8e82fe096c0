"""A leaderboard for a terminal: its rows, or their scores."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from rich.console import RenderableType

from ganbench.diagnostics.outcome import STATUSES
from ganbench.errors import BadInput, choices
from ganbench.intervals import described
from ganbench.leaderboard import caution
from ganbench.shown.parts import table_of, told_apart, values_of

RATE = "learning_rate"


def leaderboard(board: pd.DataFrame) -> Iterator[RenderableType]:
    """One table a task, and below it what its n cannot tell apart."""
    rates = [own.get(RATE) for own in values_of(board)]
    told = ["" if rate is None else f"{rate:g}" for rate in rates]
    board = board.assign(rate=told, own=told_apart(board, but=RATE))
    for task, rows in board.groupby("task", sort=False):
        table = table_of(task)
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
    board = board.assign(own=told_apart(board))
    for task, rows in board.groupby("task", sort=False):
        table = table_of(task, "method", *names)
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


def _ended(row: Any) -> str:
    """How a row's runs ended, the most frequent status first: "9 ok, 7 collapsed"."""
    names = [status.name for status in STATUSES]
    seen = {name: row[f"n_{name}"] for name in names if row[f"n_{name}"]}
    return ", ".join(f"{n} {name}" for name, n in sorted(seen.items(), key=lambda x: -x[1]))
