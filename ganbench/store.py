"""A results folder: its finished groups (`finished.py`), and the tables made of them.

runs.csv, scores.csv, curves.parquet, leaderboard.csv, provenance.json, SHA256SUMS
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganbench import finished
from ganbench.canonical import canonical
from ganbench.errors import BadInput
from ganbench.files import SUMS, altered, link_in, write_all, writing
from ganbench.leaderboard import leaderboard
from ganbench.plan import RUN, first_of, is_current
from ganbench.provenance import differences, origin, provenance
from ganbench.registry import kinds
from ganbench.results import read_curves, read_many, read_provenance, read_runs, read_table
from ganbench.tables import CURVE_COLUMNS, RUN_COLUMNS, SCORE_COLUMNS, run_frame, score_frame

#: What is written into, or through: where one of these is a link, what it leads to would be.
_OURS = re.compile(r"groups|samples|states|inflight|damaged|tensorboard|\.lock|\..*\.tmp")
_LEFT = re.compile(r"\.lock|\..*\.tmp|progress\.json")  # by a kill at the first write


def check_ours(folder: Path) -> None:
    """Raises BadInput where training would write over what it did not make."""
    try:
        names = set(os.listdir(folder)) if folder.is_dir() else set()
        link = link_in(folder / name for name in sorted(names) if _OURS.fullmatch(name))
    except OSError as error:
        raise BadInput(f"{error.filename}: cannot be read: {error.strerror}") from None
    if link is not None:  # what it leads to is not ours to write over, or to remove
        raise BadInput(f"{link}: a symbolic link, in a folder that is trained into: take it away")
    if "provenance.json" in names or all(map(_LEFT.fullmatch, names)):
        return
    groups = finished.folders(folder)
    if any((group / SUMS).is_file() for group in groups):  # they say what they are
        return
    if "runs.csv" in names:
        raise BadInput(
            f"{folder}: holds tables without the groups and provenance.json that they were made "
            "of: they can be read, not added to; give another --out"
        )
    raise BadInput(f"{folder}: neither empty nor a results folder of ganbench")


class Store:
    """One results folder, opened for `protocols` ({task: protocol}).

    Raises:
        BadInput: the folder is none of ours, or holds a result of another protocol; the message
            names the first differing key. Nothing is written by opening.
    """

    def __init__(self, folder: Path, suite: str, protocols: Mapping[str, Mapping[str, Any]]):
        self.folder, self.suite = folder, suite
        check_ours(folder)
        self.look()
        trained = {task for runs in self._groups.values() for task in runs["task"].unique()}
        known = self._known(self._groups, trained)
        before = {task: made for task, made in known.items() if task in trained}
        for task in before.keys() & protocols.keys():
            now = json.loads(canonical(protocols[task]))
            for found in differences(before[task], now, f"{task}."):
                there = f"{found.key} ({found.a!r} there, {found.b!r} here)"
                raise BadInput(f"{folder}: holds results of another protocol: {there}")
        self.protocols = {**before, **protocols}

    def _known(self, groups: Iterable[Path], trained: set[str]) -> dict[str, Any]:
        """The protocols of what is there, by task."""
        own: dict[str, Any] = {}
        for path in groups:
            own |= read_provenance(path).get("protocols", {})
        if altered(self.folder / "provenance.json") and trained <= own.keys():
            return own  # it is made anew of what the groups say
        return own | read_provenance(self.folder).get("protocols", {})

    def look(self) -> None:
        """Reads which groups there are, and which of them are no longer what was written."""
        seen = {path: finished.damage(path) for path in finished.folders(self.folder)}
        self.damaged = {path: file for path, file in seen.items() if file is not None}
        whole = [path for path in seen if path not in self.damaged]
        tables = read_many([path / "runs.csv" for path in whole], RUN_COLUMNS)
        self._groups = dict(zip(whole, tables, strict=True))  # the runs of each finished group

    def set_aside(self) -> list[str]:
        """Moves damaged groups out of the way; says of each which file it is and where it went."""
        told = []
        for group, file in self.damaged.items():
            with writing(self.folder):
                now = os.path.relpath(finished.set_aside(group), self.folder)
            name = os.path.relpath(file, self.folder)
            told.append(f"{name}: altered, cut short or gone; its group is in {now} now")
        self.damaged = {}
        return told

    def _current(self) -> list[tuple[Path, pd.DataFrame]]:
        """The finished groups without those of another version of their method: they stay on disk,
        but are neither counted nor shown beside what today's version gives.
        """
        every = sorted(self._groups.items(), key=lambda group: group[0])
        return [(path, runs) for path, runs in every if is_current(first_of(runs))]

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
        """Stores a finished group under a name made of its cells; its folder appears last.

        Raises:
            BadInput: it cannot be written; what was finished before stays.
        """
        frame, task = run_frame(rows), rows[0]["task"]
        made = origin(rows[0]["device"], {task: self.protocols[task]})
        files: dict[str, Callable[[Path], Any]] = {
            "provenance.json": lambda p: p.write_text(made),
            "runs.csv": partial(frame.to_csv, index=False),
        }
        if curves is not None:
            files["curves.parquet"] = partial(curves.to_parquet, index=False)
        if scores:
            files["scores.csv"] = partial(score_frame(scores).to_csv, index=False)
        arrays = {"samples": samples or {}, "states": states or {}}
        kept = {kind: own for kind, own in arrays.items() if own}
        name = finished.name_of(frame)
        with writing(self.folder):
            finished.write_group(self.folder, name, files, kept)
        path = self.folder / "groups" / name
        # as it was written, not as it is in memory: another call, which reads it, finds the same
        self._groups[path] = read_runs(path / "runs.csv", RUN_COLUMNS)

    def write_tables(self, order: Iterable[tuple[str, str]]) -> None:
        """Makes the five tables anew from the finished groups.

        Args:
            order: (task, method) pairs of the whole suite, tasks and methods in its order; others
                follow in alphabetical order. So equal cells give equal tables, whatever calls
                trained them.

        Raises:
            BadInput: they cannot be written; the groups stay.
        """

        def sorted_rows(rows: pd.DataFrame, *last: str, among: Any = slice(None)) -> pd.DataFrame:
            """Of a table, which may be large, one copy: its order is found on what it goes by."""
            keys = rows[[*RUN, *last]].loc[among]
            places = (
                keys[name].map({x: i for i, x in enumerate(dict.fromkeys(known))})
                for name, known in zip(("task", "method"), zip(*order, strict=True), strict=True)
            )
            keys = keys.assign(**dict(zip(("_task", "_method"), places, strict=True)))
            by = ["_task", "task", "_method", *RUN[1:], *last]
            return rows.loc[keys.sort_values(by, kind="stable").index].reset_index(drop=True)

        groups = self._current()
        runs = pd.concat([run_frame([]), *[frame for _, frame in groups]], ignore_index=True)
        # a cell that the program stopped and a later call trained is there twice: the trained one
        ended = runs["cell"].loc[runs["status"].eq("failed").sort_values(kind="stable").index]
        runs = sorted_rows(runs, among=ended.drop_duplicates().index.sort_values())
        board = leaderboard(runs, kinds("reference"))
        paths = [folder for folder, _ in groups]
        scores = sorted_rows(_joined(paths, "scores.csv", read_table, SCORE_COLUMNS))
        curve = _joined(paths, "curves.parquet", read_curves, CURVE_COLUMNS)
        curve = sorted_rows(curve, "metric", "step")
        made = provenance(self.suite, self.protocols, map(read_provenance, paths))
        files: dict[str, Callable[[Path], Any]] = {
            "provenance.json": lambda p: p.write_text(made),
            "runs.csv": partial(runs.to_csv, index=False),
            "scores.csv": partial(scores.to_csv, index=False),
            "leaderboard.csv": partial(board.to_csv, index=False),
            "curves.parquet": partial(curve.to_parquet, index=False),
        }
        with writing(self.folder):
            self._drop_leftovers()
            write_all(self.folder, files)

    def _drop_leftovers(self) -> None:
        """Removes what a kill left of a group half-written; half a table is written over."""
        for kind in ("groups", *finished.ARRAYS):
            for left in (self.folder / kind).glob(".*.tmp"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def _joined(
    folders: Iterable[Path], name: str, read: Callable[[Path], pd.DataFrame], columns: list[str]
) -> pd.DataFrame:
    """The groups' tables called `name`, where they have one, as one."""
    parts = [read(folder / name) for folder in folders if (folder / name).is_file()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
