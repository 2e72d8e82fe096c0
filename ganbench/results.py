"""A results folder, read: its tables as they were written."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.columns import check_whole, checked, parsed
from ganbench.diagnostics.outcome import STATUSES
from ganbench.errors import BadInput
from ganbench.files import verify
from ganbench.metrics.catalogue import METRICS, OPTIONAL
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


_RUNS = (*RUN, "status", "success", "coverage", "onset", "reason")
_CURVES = (*RUN, "metric", "step", "mean")
_BOARD = [
    *(*ROW, "rank", "rank_low", "rank_high"),
    *("n", "successes", "success_rate", "success_low", "success_high"),
    *(f"n_{status.name}" for status in STATUSES),
]
AT_ONCE = 500  # files
MOST_RUNS = 10**9  # of a row: tests of more take for ever


def read_runs(path: Path, needed: Sequence[str] = _RUNS) -> pd.DataFrame:
    """A `runs.csv` as it was written, with at least the columns `needed`.

    Raises:
        BadInput: no such file, or one of another schema; or not runs, naming what it lacks.
    """
    return _runs(path, read_table(path), needed)


def read_many(paths: Sequence[Path], needed: Sequence[str] = _RUNS) -> list[pd.DataFrame]:
    """As `read_runs` of each, many times as fast: files are read some hundred at a time.

    Raises:
        BadInput: as `read_runs`, of the first file that it is true of.
    """
    parts = [paths[i : i + AT_ONCE] for i in range(0, len(paths), AT_ONCE)]
    return [frame for part in parts for frame in _read_together(part, needed)]


def _read_together(paths: Sequence[Path], needed: Sequence[str]) -> list[pd.DataFrame]:
    try:
        texts = [path.read_bytes().partition(b"\n") for path in paths]
        heads = {head for head, _, _ in texts}
        ends = np.cumsum([body.count(b"\n") for _, _, body in texts])
        whole = b"".join([*heads, b"\n", *(body for _, _, body in texts)])
        frame = _runs(paths[0], parsed(paths[0], io.BytesIO(whole)), needed)
        if len(heads) == 1 and len(frame) == ends[-1]:
            return [
                frame.iloc[first:end].reset_index(drop=True)
                for first, end in zip([0, *ends[:-1]], ends, strict=True)
            ]
    except (OSError, BadInput):
        pass
    # not all alike, or one is not as it should be: it is named
    return [read_runs(path, needed) for path in paths]


def _runs(path: Path, table: pd.DataFrame, needed: Sequence[str]) -> pd.DataFrame:
    frame = checked(path, table, needed, "runs")
    check_whole(path, frame, ("seed", "replicate"))
    if len(frame) and not pd.api.types.is_bool_dtype(frame["success"]):
        raise BadInput(f"{path}: column success must be True or False")
    for _, run in frame[frame.duplicated(RUN)].iterrows():
        raise BadInput(f"{path}: run {' '.join(map(str, run[RUN]))} is there twice")
    known = [status.name for status in STATUSES]
    for status in set(frame["status"]) - set(known):
        raise BadInput(f"{path}: status {status!r} is none of {', '.join(known)}")
    return frame


def read_table(path: Path) -> pd.DataFrame:
    """One of a results folder's tables as it was written.

    Raises:
        BadInput: no such file, or one of another schema.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file; make it with ganbench run")
    verify(path)
    return parsed(path, path)


def read_board(path: Path) -> pd.DataFrame:
    """A `leaderboard.csv`, with numbers where a test counts them.

    Raises:
        BadInput: as `read_runs`; or not a leaderboard, naming what it lacks.
    """
    frame = read_table(path)
    metrics = [*METRICS, *(name for name in OPTIONAL if f"{name}_mean" in frame)]
    parts = [f"{metric}_{part}" for metric in metrics for part in ("mean", "low", "high", "n")]
    board = checked(path, frame, [*_BOARD, *parts], "a leaderboard")
    for _, row in board[board.duplicated(ROW)].iterrows():
        raise BadInput(f"{path}: row {' '.join(row[ROW])} is there twice")
    check_whole(path, board, [name for name in _BOARD if name.startswith("n_")])
    check_whole(path, board, ("n", "successes"))
    for _, row in board.iterrows():
        if not (0 <= row["successes"] <= row["n"] and 1 <= row["n"] < MOST_RUNS):
            told = f"{row['successes']} successes of {row['n']} runs"
            raise BadInput(f"{path}: row {' '.join(row[ROW])}: {told}")
        if not abs(row["success_rate"] - row["successes"] / row["n"]) < 1e-6:
            told = f"a rate of {row['success_rate']}, {row['successes']} successes of {row['n']}"
            raise BadInput(f"{path}: row {' '.join(row[ROW])}: {told}")
    return board


def read_provenance(folder: Path) -> dict[str, Any]:
    """A results folder's `provenance.json`; empty if it has none.

    Raises:
        BadInput: a broken file, or one of another schema.
    """
    path = folder / "provenance.json"
    if not path.is_file():
        return {}
    verify(path)
    try:
        made = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None
    if not isinstance(made, dict) or made.get("schema") != SCHEMA:
        raise BadInput(f"{path}: this version reads schema {SCHEMA}")
    protocols, origins = made.get("protocols", {}), made.get("made_with", [])
    if not (isinstance(protocols, dict) and all(isinstance(x, dict) for x in protocols.values())):
        raise BadInput(f"{path}: protocols must be tables by task")
    for task, own in protocols.items():
        budget = own.get("budget", {})
        if not (isinstance(budget, dict) and isinstance(budget.get("steps", 1), int)):
            raise BadInput(f"{path}: protocols.{task}.budget.steps must be a whole number")
    if not isinstance(made.get("suite", ""), str):
        raise BadInput(f"{path}: suite must be a text")
    if not (isinstance(origins, list) and all(map(_is_origin, origins))):
        raise BadInput(f"{path}: made_with must be a list of tables with device and versions")
    return made


def _is_origin(made: Any) -> bool:
    """Whether this says what runs were made with, see `provenance.origin`."""
    return (
        isinstance(made, dict)
        and isinstance(made.get("device"), str)
        and isinstance(made.get("versions"), dict)
        and isinstance(made.get("commit"), str | None)
    )


def read_curves(path: Path) -> pd.DataFrame:
    """A `curves.parquet`.

    Raises:
        BadInput: a broken file, or not curves, naming what is wrong.
    """
    verify(path)
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # what pyarrow raises are ValueErrors too
        raise BadInput(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    for name in _CURVES:
        if name not in frame:
            raise BadInput(f"{path}: not curves: no column {name}")
    for name in ("step", "mean"):
        if len(frame) and not pd.api.types.is_numeric_dtype(frame[name]):
            raise BadInput(f"{path}: column {name} must be numbers")
    for name in (*ROW, "metric"):
        if not all(isinstance(x, str) for x in frame[name].unique()):
            raise BadInput(f"{path}: column {name} must be texts")
    return frame


def load(folder: str | Path) -> Results:
    """The tables of a results folder.

    Raises:
        BadInput: no results folder there, or one of another schema; or tables that are not of the
            same rows.
    """
    folder = Path(folder)
    runs, board = read_runs(folder / "runs.csv"), read_board(folder / "leaderboard.csv")
    made = read_provenance(folder)
    path = folder / "curves.parquet"
    curves = read_curves(path) if path.is_file() else pd.DataFrame()
    _check_rows(folder / "leaderboard.csv", board, folder / "runs.csv", runs)
    if len(curves):
        _check_rows(folder / "runs.csv", runs, path, curves)
    return Results(runs, curves, board, made, folder)


def _check_rows(path: Path, known: pd.DataFrame, other: Path, frame: pd.DataFrame) -> None:
    """Raises BadInput where `frame` has a row of the leaderboard that `known` has not."""
    rows = set(known[ROW].drop_duplicates().itertuples(index=False, name=None))
    for row in frame[ROW].drop_duplicates().itertuples(index=False, name=None):
        if row not in rows:
            raise BadInput(f"{path}: has no row {' '.join(map(str, row))}, which {other.name} has")
