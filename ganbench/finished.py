"""A finished group on disk: a folder that is whole or not there, and its arrays beside it.

groups/<name>/runs.csv, scores.csv, curves.parquet, provenance.json, SHA256SUMS
samples/<name>.npz, states/<name>.npz    named in SHA256SUMS too
damaged/<name>/                          all of a group that is no longer what was written
"""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganbench.arrays import npz_writer, read_npz
from ganbench.canonical import digest
from ganbench.errors import BadInput
from ganbench.files import (
    SUMS,
    altered,
    damaged,
    folder,
    put_aside,
    replace,
    sums,
    sync,
)

TABLES = ("runs.csv", "scores.csv", "curves.parquet", "provenance.json")
ARRAYS = ("samples", "states")


def group_name(task: str, method: str, cells: Iterable[str]) -> str:
    """What a group's folder and files are called: equal cells, by their hashes, equal name."""
    plain = re.sub(r"[^\w.+-]|^\.", "_", f"{task}_{method}")  # a table may hold any text
    return f"{plain}_{digest(sorted(cells))[:12]}"


def name_of(runs: pd.DataFrame) -> str:
    """The same, of the runs of a group."""
    return group_name(runs["task"].iloc[0], runs["method"].iloc[0], runs["cell"])


def folders(root: Path) -> list[Path]:
    """The folders of a results folder's finished groups."""
    return [path for path in sorted((root / "groups").glob("*/")) if path.name[0] != "."]


def arrays(group: Path) -> dict[str, Path]:
    """Where a group's samples and states lie, if it has any."""
    return {kind: group.parents[1] / kind / f"{group.name}.npz" for kind in ARRAYS}


def damage(group: Path) -> Path | None:
    """The first of a group's files that is not what was written; None if all are.

    What else lies there, an editor's or a file manager's, is nobody's concern.
    """
    runs = group / TABLES[0]
    files = [*(group / name for name in TABLES), *arrays(group).values()]
    return damaged(group / SUMS, filter(Path.is_file, files)) if runs.is_file() else runs


def read_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """A finished group's samples or states, or those arrays of them that are named.

    Raises:
        BadInput: as `read_npz`, or they are not what was written.
    """
    group = path.parents[1] / "groups" / path.stem
    if altered(path, group / SUMS):
        told = f"altered or cut short: not what {group / SUMS} says"
        raise BadInput(f"{path}: {told}; ganbench run makes it anew")
    return read_npz(path, names)


def seal(group: Path, target: Path) -> None:
    """Writes the checksums of a group that lies in one folder and will be renamed to another."""
    listed = {path.name: path for path in group.iterdir() if path.name != SUMS}
    beside = {os.path.relpath(path, target): path for path in arrays(target).values()}
    listed |= {name: path for name, path in beside.items() if path.is_file()}
    (group / SUMS).write_text(sums(listed))
    for path in (*group.iterdir(), group):
        sync(path)


def write_group(
    root: Path,
    name: str,
    files: Mapping[str, Callable[[Path], Any]],
    kept: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Writes a group's files, each by its function, and its arrays by kind; the folder is last."""
    target = root / "groups" / name
    before = target.with_name(f".{name}.old.tmp")
    shutil.rmtree(before, ignore_errors=True)
    if (
        target.is_dir()
    ):  # only ever one that the program stopped; at a stroke, or half would be left
        os.replace(target, before)
    for kind, own in kept.items():
        replace(arrays(target)[kind], npz_writer(own))
    temporary = target.with_name(f".{name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    folder(temporary)
    for file, write in files.items():
        write(temporary / file)
    seal(temporary, target)
    os.replace(temporary, target)
    sync(target.parent)
    shutil.rmtree(before, ignore_errors=True)


def set_aside(group: Path) -> Path:
    """Moves all of a group out of the way; gives where it is now."""
    target = group.parents[1] / "damaged" / group.name
    put_aside(group, target)
    for kind, path in arrays(group).items():
        if path.is_file():
            os.replace(path, target / f"{kind}.npz")
    return target
