"""What the tables for a terminal have in common."""

import json
from typing import Any

import pandas as pd
from rich.table import Table


def table_of(title: Any, *columns: str) -> Table:
    """A table without lines, whose columns do not wrap."""
    table = Table(title=str(title), title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def with_ends(row: pd.Series, value: str, low: str, high: str) -> str:
    """A value of `row` with the ends of its interval, to two digits."""
    return f"{row[value]:.2f} [{row[low]:.2f}, {row[high]:.2f}]"


def values_of(board: pd.DataFrame) -> list[dict[str, Any]]:
    """Each row's hyperparameters."""
    return [json.loads(text) for text in board["hyperparameters"]]


def told_apart(board: pd.DataFrame, but: str = "") -> list[str]:
    """Each row's method, with those hyperparameters that it does not share with the like rows.

    Args:
        but: a hyperparameter that is shown elsewhere.
    """
    values = values_of(board)
    keys = list(zip(board["task"], board["method"], strict=True))

    def differing(i: int) -> str:
        like = [own for key, own in zip(keys, values, strict=True) if key == keys[i]]
        names = [n for n in values[i] if len({str(own.get(n)) for own in like}) > 1]
        return ", ".join(f"{n}={values[i][n]}" for n in names if n != but)

    told = map(differing, range(len(keys)))
    return [f"{m} ({own})" if own else m for (_, m), own in zip(keys, told, strict=True)]
