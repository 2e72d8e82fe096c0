"""Result folders of one protocol, joined: each cell once, the newest run of it."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench import finished
from ganbench.arrays import npz_writer, read_npz
from ganbench.errors import BadInput
from ganbench.kept import of_lanes
from ganbench.plan import RUN
from ganbench.provenance import differences
from ganbench.results import read_curves, read_provenance, read_runs
from ganbench.store import Store
from ganbench.tables import RUN_COLUMNS
from ganbench.trained import label

_ASIDE = ("cost_", "commit", "device")  # what two runs of one cell need not have in common


class Conflict(NamedTuple):
    """A cell of which two folders have unlike runs."""

    run: dict[str, Any]  # what it is known by
    column: str  # the first that differs
    kept: Any  # its value in the run that is kept
    left: Any
    kept_from: Path
    left_from: Path


class _Group(NamedTuple):
    """A finished group of one of the folders."""

    folder: Path
    name: str
    runs: pd.DataFrame
    written: float  # seconds, as the file system has it

    def path(self) -> Path:
        return self.folder / "groups" / self.name


def merge(folders: Sequence[Path], out: Path) -> list[Conflict]:
    """Writes the runs of all `folders` to `out`; returns where they disagree.

    Of a cell that several have, the run that was written last is kept, by the time of its group's
    files; but one that was trained to its end before one that the program stopped. Groups keep
    their `provenance.json`.

    Args:
        folders: at least two, each with the groups that its tables were made of.
        out: a new or empty folder; it appears when it is whole.

    Raises:
        BadInput: a folder that is none, protocols that differ (the message names the first key),
            or `out` is not empty; nothing is written.
    """
    if len(folders) < 2:
        raise BadInput("merge: name at least two results folders")
    inputs, out = [folder.resolve() for folder in folders], out.resolve()
    if len({*inputs}) < len(inputs):
        raise BadInput("merge: a folder is named twice")
    for folder in inputs:
        if out.is_relative_to(folder) or folder.is_relative_to(out):
            raise BadInput(f"{out}: must not lie in {folder}, nor hold it")
    protocols = _protocols(folders)
    try:
        taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    except OSError as error:
        raise BadInput(f"{out}: cannot be written: {error.strerror}") from None
    if taken:
        raise BadInput(f"{out}: must be a new or an empty folder")
    groups = [group for folder in folders for group in _groups(folder)]
    groups.sort(key=lambda group: group.written)
    tables = [read_runs(folder / "runs.csv") for folder in folders]
    order = [pair for x in tables for pair in zip(x["task"], x["method"], strict=True)]
    runs = _by_age(groups)
    newest = runs.drop_duplicates("cell", keep="last").groupby("group")["cell"].agg(frozenset)
    with _appearing(out) as made:
        store = Store(made, str(read_provenance(folders[0]).get("suite", "")), protocols)
        for i, cells in newest.items():
            _copy(groups[int(str(i))], cells, made)
        store.look()
        store.write_tables(order)
    return list(_conflicts(runs, groups))


def _protocols(folders: Sequence[Path]) -> dict[str, Any]:
    """The protocols of all folders by task, each task's the same wherever it is."""
    made: dict[str, Any] = {}
    for folder in folders:
        known = read_provenance(folder).get("protocols")
        if known is None or not finished.folders(folder):
            raise BadInput(f"{folder}: no results folder with finished groups and provenance.json")
        for task in made.keys() & known.keys():
            for found in differences(made[task], known[task], f"{task}."):
                there = f"{found.key} ({found.a!r} in the folders before it, {found.b!r} here)"
                raise BadInput(f"{folder}: of another protocol: {there}")
        made |= known
    return made


def _groups(folder: Path) -> Iterator[_Group]:
    for path in finished.folders(folder):
        if file := finished.damage(path):
            raise BadInput(f"{file}: altered, cut short or gone; ganbench run trains it again")
        runs = read_runs(path / "runs.csv", RUN_COLUMNS)
        yield _Group(folder, path.name, runs, (path / "runs.csv").stat().st_mtime)


def _by_age(groups: Sequence[_Group]) -> pd.DataFrame:
    """All runs, those that the program stopped first, then from the oldest to the newest."""
    runs = [group.runs.assign(group=i) for i, group in enumerate(groups)]
    made = pd.concat(runs, ignore_index=True)
    ended = made["status"] != "failed"
    return made.iloc[np.argsort(ended.to_numpy(), kind="stable")]


def _conflicts(runs: pd.DataFrame, groups: Sequence[_Group]) -> Iterator[Conflict]:
    """Runs that are left out though they were trained to an end, and came out otherwise."""
    columns = [name for name in runs if name != "group" and not str(name).startswith(_ASIDE)]
    for _, own in runs[runs.duplicated("cell", keep=False)].groupby("cell", sort=False):
        *others, last = own.to_dict("records")
        for one in others:
            unlike = [str(c) for c in columns if not _same(one[c], last[c])]
            if unlike and one["status"] != "failed":
                column = unlike[0]
                yield Conflict(
                    {name: last[name] for name in RUN},
                    column,
                    *(last[column], one[column]),
                    *(groups[last["group"]].folder, groups[one["group"]].folder),
                )


def _same(x: Any, y: Any) -> bool:
    return bool(x == y) if pd.notna(x) and pd.notna(y) else pd.isna(x) and pd.isna(y)


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A folder beside `out` that becomes it, or nothing if what is done there fails."""
    made = out.with_name(f".{out.name}.tmp")
    try:
        shutil.rmtree(made, ignore_errors=True)
        yield made
        os.replace(made, out)
    except OSError as error:
        raise BadInput(f"{out}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _copy(group: _Group, cells: frozenset[str], out: Path) -> None:
    """Copies what a group has of `cells`."""
    chosen = group.runs["cell"].isin(cells)
    name = finished.name_of(group.runs[chosen])
    target = out / "groups" / name
    shutil.copytree(group.path(), target)
    kept = finished.arrays(group.path())
    found = {kind: path for kind, path in kept.items() if path.is_file()}
    for kind in found:
        (out / kind).mkdir(parents=True, exist_ok=True)
    if chosen.all():
        for kind, path in found.items():
            shutil.copy2(path, out / kind / f"{name}.npz")
        return
    runs = group.runs[chosen]
    for table in ("runs.csv", "scores.csv"):
        if (target / table).is_file():
            _cut_text(target / table, runs)
    if (curves := target / "curves.parquet").is_file():
        made = read_curves(curves)
        made[_of(made, runs)].to_parquet(curves, index=False)
    wanted = {label(run) for run in runs.to_dict("records")}
    for kind, path in found.items():
        has = read_npz(path)
        lanes = [i for i, cell in enumerate(map(str, has["cells"])) if cell in wanted]
        npz_writer(of_lanes(has, lanes))(out / kind / f"{name}.npz")
    finished.seal(target, target)


def _cut_text(path: Path, runs: pd.DataFrame) -> None:
    """Leaves in a table what is of `runs`; as text, so that no digit moves."""
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    text[_of(text, runs)].to_csv(path, index=False)


def _of(table: pd.DataFrame, runs: pd.DataFrame) -> np.ndarray:
    """(rows,) bool: whether a row of `table` is of one of `runs`."""
    names = [pd.MultiIndex.from_frame(frame[RUN].astype(str)) for frame in (table, runs)]
    return names[0].isin(names[1])
