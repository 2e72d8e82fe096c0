"""A results folder: finished groups on disk, whole or not at all, and the tables made of them.

groups/<id>/runs.csv, scores.csv, curves.parquet, provenance.json
                                         one folder a finished group, renamed into place
samples/<id>.npz, states/<id>.npz        samples, final parameters
runs.csv, scores.csv, curves.parquet, leaderboard.csv, provenance.json
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganbench.canonical import canonical, digest
from ganbench.errors import BadInput
from ganbench.leaderboard import leaderboard
from ganbench.plan import RUN, is_current
from ganbench.provenance import differences, origin, provenance
from ganbench.registry import kinds
from ganbench.results import read_curves, read_provenance, read_runs, read_table
from ganbench.tables import CURVE_COLUMNS, RUN_COLUMNS, SCORE_COLUMNS, run_frame, score_frame


def _replace(path: Path, write) -> None:
    """Writes beside `path`, then renames: a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    write(temporary)
    os.replace(temporary, path)


def write(folder: Path, files: Mapping[str, Callable[[Path], Any]]) -> None:
    """Writes files into a results folder, each by its function, whole or not at all.

    Raises:
        BadInput: the folder cannot be written to.
    """
    try:
        for name, made in files.items():
            _replace(folder / name, made)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written to: {error.strerror}") from None


def _check_ours(folder: Path) -> None:
    """Raises BadInput where training would write over what it did not make."""
    try:
        names = set(os.listdir(folder)) if folder.is_dir() else set()
    except OSError as error:
        raise BadInput(f"{folder}: cannot be read: {error.strerror}") from None
    if "provenance.json" in names or names <= {".provenance.json.tmp"}:  # a kill at the first write
        return
    if "runs.csv" in names:
        raise BadInput(
            f"{folder}: holds tables without the groups and provenance.json that they were made "
            "of: they can be read, not added to; give another --out"
        )
    raise BadInput(f"{folder}: neither empty nor a results folder of ganbench")


def group_name(runs: pd.DataFrame) -> str:
    """What a group's folder and files are called: equal cells, equal name."""
    task, method = runs[["task", "method"]].iloc[0]
    return f"{task}_{method}_{digest(sorted(runs['cell']))[:12]}"


class Store:
    """One results folder, opened for `protocols` ({task: protocol}).

    Raises:
        BadInput: the folder is none of ours, or holds a result of another protocol; the message
            names the first differing key. Nothing is written by opening.
    """

    def __init__(
        self, folder: Path, suite: str, protocols: Mapping[str, Mapping[str, Any]], device: str
    ):
        self.folder, self.suite, self.device = folder, suite, device
        _check_ours(folder)
        trained = {task for _, runs in self._groups() for task in runs["task"]}
        known = read_provenance(folder).get("protocols", {})
        before = {task: made for task, made in known.items() if task in trained}
        for task in before.keys() & protocols.keys():
            now = json.loads(canonical(protocols[task]))
            for found in differences(before[task], now, f"{task}."):
                there = f"{found.key} ({found.a!r} there, {found.b!r} here)"
                raise BadInput(f"{folder}: holds results of another protocol: {there}")
        self.protocols = {**before, **protocols}

    def _groups(self) -> list[tuple[Path, pd.DataFrame]]:
        """The finished groups: each one's folder and runs."""
        paths = sorted((self.folder / "groups").glob("*/runs.csv"))
        whole = [path for path in paths if not path.parent.name.startswith(".")]
        return [(path.parent, read_runs(path, RUN_COLUMNS)) for path in whole]

    def _current(self) -> list[tuple[Path, pd.DataFrame]]:
        """The finished groups without those of another version of their method: they stay on disk,
        but are neither counted nor shown beside what today's version gives.
        """
        return [(path, runs) for path, runs in self._groups() if is_current(runs.iloc[0].to_dict())]

    def _open_for_writing(self, groups: Iterable[Path]) -> None:
        """Writes `provenance.json` and drops what a kill left half-written.

        Raises:
            BadInput: the folder cannot be made or written to.
        """
        made = provenance(self.suite, self.protocols, map(read_provenance, groups))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for left in self.folder.glob("**/.*.tmp"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            _replace(self.folder / "provenance.json", lambda p: p.write_text(made))
        except OSError as error:
            raise BadInput(f"{self.folder}: cannot be written to: {error.strerror}") from None

    def cells(self) -> set[str]:
        """The cells that need no training: all but those that the program stopped."""
        found: set[str] = set()
        for _, runs in self._current():
            found |= set(runs.loc[runs["status"] != "failed", "cell"])
        return found

    def add(
        self,
        rows: list[dict[str, Any]],
        curves: pd.DataFrame | None = None,
        scores: Sequence[dict[str, Any]] = (),
        samples: Mapping[str, np.ndarray] | None = None,
        states: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Stores a finished group under a name made of its cells; its folder appears last."""
        frame = run_frame(rows)
        name = group_name(frame)
        for kind, arrays in (("samples", samples), ("states", states)):
            if arrays:
                _replace(self.folder / kind / f"{name}.npz", npz_writer(arrays))
        target = self.folder / "groups" / name
        temporary = target.with_name(f".{name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        if curves is not None:
            curves.to_parquet(temporary / "curves.parquet", index=False)
        if scores:
            score_frame(scores).to_csv(temporary / "scores.csv", index=False)
        (temporary / "provenance.json").write_text(origin(self.device))
        frame.to_csv(temporary / "runs.csv", index=False)
        shutil.rmtree(target, ignore_errors=True)  # only ever one that the program stopped
        os.replace(temporary, target)

    def write_tables(self, order: Iterable[tuple[str, str]]) -> None:
        """Makes the five tables anew from the finished groups.

        Args:
            order: (task, method) pairs of the whole suite, tasks and methods in its order; others
                follow in alphabetical order. So equal cells give equal tables, whatever calls
                trained them.
        """
        tasks, methods = (dict.fromkeys(names) for names in zip(*order, strict=True))

        def sorted_rows(rows: pd.DataFrame, *last: str) -> pd.DataFrame:
            rows = rows.assign(
                _task=rows["task"].map({name: i for i, name in enumerate(tasks)}),
                _method=rows["method"].map({name: i for i, name in enumerate(methods)}),
            )
            by = ["_task", "task", "_method", *RUN[1:], *last]
            rows = rows.sort_values(by, kind="stable", ignore_index=True)
            return rows.drop(columns=["_task", "_method"])

        groups = self._current()
        runs = pd.concat([run_frame([]), *[frame for _, frame in groups]], ignore_index=True)
        # a cell that the program stopped and a later call trained is there twice: the trained one
        stopped = runs["status"] == "failed"
        runs = runs.assign(_stopped=stopped).sort_values("_stopped", kind="stable")
        runs = sorted_rows(runs.drop_duplicates("cell").drop(columns="_stopped"))
        board = leaderboard(runs, kinds("reference"))
        paths = [folder for folder, _ in groups]
        scores = sorted_rows(_joined(paths, "scores.csv", read_table, SCORE_COLUMNS))
        curve = _joined(paths, "curves.parquet", read_curves, CURVE_COLUMNS)
        curve = sorted_rows(curve, "metric", "step")
        self._open_for_writing(folder for folder, _ in groups)
        _replace(self.folder / "runs.csv", lambda p: runs.to_csv(p, index=False))
        _replace(self.folder / "scores.csv", lambda p: scores.to_csv(p, index=False))
        _replace(self.folder / "leaderboard.csv", lambda p: board.to_csv(p, index=False))
        _replace(self.folder / "curves.parquet", lambda p: curve.to_parquet(p, index=False))


def _joined(
    folders: Iterable[Path], name: str, read: Callable[[Path], pd.DataFrame], columns: list[str]
) -> pd.DataFrame:
    """The groups' tables called `name`, where they have one, as one."""
    parts = [read(folder / name) for folder in folders if (folder / name).is_file()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def npz_writer(arrays: Mapping[str, np.ndarray]) -> Callable[[Path], None]:
    """What writes `arrays` to a file, compressed."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    return write
