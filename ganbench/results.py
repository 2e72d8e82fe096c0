"""A results folder, read: its tables as they were written."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ganbench.diagnostics.outcome import STATUSES
from ganbench.errors import BadInput
from ganbench.metrics.catalogue import METRICS
from ganbench.plan import ROW, RUN, SCHEMA


class Results(NamedTuple):
    """A results folder's tables."""

    runs: pd.DataFrame
    curves: pd.DataFrame
    leaderboard: pd.DataFrame
    provenance: dict[str, Any]
    folder: Path = Path()

    def boxed(self) -> list[str]:
        """The tasks whose methods were tried over a box of hyperparameters."""
        return boxed(self.provenance)


def boxed(provenance: Mapping[str, Any]) -> list[str]:
    """As `Results.boxed`."""
    return [task for task, made in provenance.get("protocols", {}).items() if "box" in made]


_RUNS = (*RUN, "status", "success", "coverage")


_BOARD = [
    *(*ROW, "rank", "rank_low", "rank_high"),
    *("n", "successes", "success_rate", "success_low", "success_high"),
    *(f"n_{status.name}" for status in STATUSES),
]
# whole numbers that may be missing: NumPy would make them floats
_WHOLE = ("onset", "samples", "reference_samples")


def read_runs(path: Path, needed: Sequence[str] = _RUNS) -> pd.DataFrame:
    """A `runs.csv` as it was written, with at least the columns `needed`.

    Raises:
        BadInput: no such file, or one of another schema; or not runs, naming what it lacks.
    """
    return _checked(path, read_table(path), needed, "runs")


def read_table(path: Path) -> pd.DataFrame:
    """One of a results folder's tables as it was written.

    Raises:
        BadInput: no such file, or one of another schema.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file; make it with ganbench run")
    try:
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:  # an empty file and a broken line are ValueErrors
        raise BadInput(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    schemas = set(frame["schema"]) if "schema" in frame else {"none"}
    if schemas - {SCHEMA}:
        raise BadInput(f"{path}: schema {schemas.pop()}; this version reads schema {SCHEMA}")
    return frame.astype({name: "Int64" for name in _WHOLE if name in frame})


def _checked(path: Path, frame: pd.DataFrame, needed: Sequence[str], what: str) -> pd.DataFrame:
    missing = [name for name in needed if name not in frame]
    if missing:
        raise BadInput(f"{path}: not {what}: no column {missing[0]}")
    for text in frame["hyperparameters"].unique():
        try:
            table = isinstance(json.loads(text), dict)
        except (TypeError, ValueError):
            table = False
        if not table:
            raise BadInput(f"{path}: hyperparameters {text!r} are no JSON table")
    return frame


def read_board(path: Path) -> pd.DataFrame:
    """A `leaderboard.csv`.

    Raises:
        BadInput: as `read_runs`; or not a leaderboard, naming what it lacks.
    """
    parts = [f"{metric}_{part}" for metric in METRICS for part in ("mean", "low", "high", "n")]
    return _checked(path, read_table(path), [*_BOARD, *parts], "a leaderboard")


def read_provenance(folder: Path) -> dict[str, Any]:
    """A results folder's `provenance.json`; empty if it has none.

    Raises:
        BadInput: a broken file, or one of another schema.
    """
    path = folder / "provenance.json"
    if not path.is_file():
        return {}
    try:
        made = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None
    if not isinstance(made, dict) or made.get("schema") != SCHEMA:
        raise BadInput(f"{path}: this version reads schema {SCHEMA}")
    protocols = made.get("protocols", {})
    if not (isinstance(protocols, dict) and all(isinstance(x, dict) for x in protocols.values())):
        raise BadInput(f"{path}: protocols must be tables by task")
    return made


def read_curves(path: Path) -> pd.DataFrame:
    """A `curves.parquet`.

    Raises:
        BadInput: a broken file.
    """
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # what pyarrow raises are ValueErrors too
        raise BadInput(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None


def load(folder: str | Path) -> Results:
    """The tables of a results folder.

    Raises:
        BadInput: no results folder there, or one of another schema.
    """
    folder = Path(folder)
    runs = read_runs(folder / "runs.csv")
    made = read_provenance(folder)
    curves = folder / "curves.parquet"
    curve = read_curves(curves) if curves.is_file() else pd.DataFrame()
    return Results(runs, curve, read_table(folder / "leaderboard.csv"), made, folder)
