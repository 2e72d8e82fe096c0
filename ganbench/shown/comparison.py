"""Two leaderboards, held against each other, for a terminal."""

from collections.abc import Iterator

import pandas as pd
from rich.console import RenderableType
from rich.table import Table

from ganbench.compare import SHAPED, VERDICTS, Comparison
from ganbench.shown.parts import table_of, told_apart


def comparison(made: Comparison) -> Iterator[RenderableType]:
    """One table a task of the rows that both have, the clearest verdicts first; below it what was
    tested and what only one has; last how often each verdict was given.
    """
    board = made.rows.assign(own=told_apart(made.rows))
    for task, rows in board.groupby("task", sort=False):
        if (both := rows[(rows["n_a"] > 0) & (rows["n_b"] > 0)]).size:
            yield _table(str(task), both)
            yield _tested(both, made.alpha)
        for name in ("new", "gone"):
            if (alone := rows.loc[rows["verdict"] == name, "own"]).size:
                yield f"{name}: {', '.join(alone)}"
        yield ""
    yield from made.notes
    counted = board["verdict"].value_counts()
    yield ", ".join(f"{counted[name]} {name}" for name in VERDICTS if name in counted)


def _table(task: str, rows: pd.DataFrame) -> Table:
    heads = ("verdict", "method", "success", "B - A [95 %]", "p (Holm)", "n", "modes, B - A")
    table, order = table_of(task, *heads), list(VERDICTS)
    rows = rows.sort_values("verdict", kind="stable", key=lambda x: x.map(order.index, "ignore"))
    for _, row in rows.iterrows():
        alike = row["n_a"] == row["n_b"]
        table.add_row(
            _verdict(row),
            row["own"],
            f"{row['success_a']:.2f} to {row['success_b']:.2f}",
            _difference(row, "success", ".2f"),
            "-" if pd.isna(row["p_holm"]) else f"{row['p_holm']:.2g}",
            str(row["n_a"]) if alike else f"{row['n_a']}, {row['n_b']}",
            _difference(row, "modes", ".1f") if "modes_a" in rows else "-",
        )
    return table


def _verdict(row: pd.Series) -> str:
    if pd.isna(row["verdict"]):
        return "-"
    if pd.isna(row["n_needed"]):
        return row["verdict"]
    unit = " shapes" if row["test"].endswith(SHAPED) else ""
    return f"{row['verdict']} (n = {row['n_needed']}{unit})"


def _difference(row: pd.Series, name: str, digits: str) -> str:
    value, low, high = (row[f"{name}_{part}"] for part in ("difference", "low", "high"))
    if pd.isna(value):
        return "-"
    ends = "" if pd.isna(low) else f" [{low:+{digits}}, {high:+{digits}}]"
    return f"{value:+{digits}}{ends}"


def _tested(rows: pd.DataFrame, alpha: float) -> str:
    tested = rows["test"].value_counts()
    how = {
        "paired": "of pairs of runs (McNemar)",
        "unpaired": "of runs that are none (Fisher)",
        f"paired{SHAPED}": "of shapes of nets, in pairs (signs flipped)",
        f"unpaired{SHAPED}": "of shapes of nets (shared out anew)",
    }
    told = " and ".join(f"{n} {how[str(name)]}" for name, n in tested.items())
    return f"exact tests at {alpha:g}, Holm-adjusted: {told or 'none'}"
