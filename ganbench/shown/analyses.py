"""What is made of a leaderboard's runs afterwards, for a terminal."""

from collections.abc import Callable, Iterator, Sequence

import pandas as pd
from rich.console import RenderableType

from ganbench.shown.parts import table_of, told_apart, with_ends


def tournament(board: pd.DataFrame) -> Iterator[RenderableType]:
    """One table a task: whose samples the other rows' discriminators take for real."""
    heads = ("taken for real [95 %]", "n", "by the worst judge", "judges")

    def cells(row: pd.Series) -> tuple[str, ...]:
        worst = f"{row['gam2_worst']:.2f}" if row["gam2_n"] else "-"
        return _mean(row, "gam2_"), str(row["gam2_n"]), worst, str(row["judges"])

    return _tables(board, heads, cells)


def informativeness(board: pd.DataFrame) -> Iterator[RenderableType]:
    """One table a task: how far each row's discriminator loss tells the quality of its samples."""
    heads = ("rank correlation [95 %]", "n", "above 0.5", "without one")

    def cells(row: pd.Series) -> tuple[str, ...]:
        share = f"{row['informative']:.2f}" if row["n"] else "-"
        return _mean(row, ""), str(row["n"]), share, row["note"]

    return _tables(board, heads, cells)


def _tables(
    board: pd.DataFrame, heads: Sequence[str], cells: Callable[[pd.Series], tuple[str, ...]]
) -> Iterator[RenderableType]:
    """One table a task, of a method's name and what `cells` says of its row."""
    board = board.assign(own=told_apart(board))
    for task, rows in board.groupby("task", sort=False):
        table = table_of(task, "method", *heads)
        for _, row in rows.iterrows():
            table.add_row(row["own"], *cells(row))
        yield table
        yield ""


def _mean(row: pd.Series, prefix: str) -> str:
    """A mean with its interval, if it has one, of the columns that begin so."""
    mean, low, high = (f"{row[f'{prefix}{x}']:.2f}" for x in ("mean", "low", "high"))
    return "-" if not row[f"{prefix}n"] else mean if low == "nan" else f"{mean} [{low}, {high}]"


def robustness(rows: pd.DataFrame) -> Iterator[RenderableType]:
    """One table a task with a box: the share that succeeds, and the best of so many trials."""
    trials = [
        name for name in rows if str(name).startswith("best_of_") and rows[name].notna().any()
    ]
    best = [str(name) for name in trials if not str(name).endswith(("_low", "_high"))]
    heads = [f"best of {name.removeprefix('best_of_')}" for name in best]
    for task, own in rows.groupby("task", sort=False):
        title = f"{task}: all of the box; best: share of real's modes to expect of so many trials"
        table = table_of(title, "method", "success [95 %]", "n", "shapes", *heads)
        for name, (_, row) in zip(told_apart(own), own.iterrows(), strict=True):
            told = [with_ends(row, b, f"{b}_low", f"{b}_high") for b in best]
            success = with_ends(row, "success_rate", "success_low", "success_high")
            table.add_row(name, success, str(row["n"]), str(row["shapes"]), *told)
        yield table
        yield ""
