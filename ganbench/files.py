"""Files that are whole or not there, on disk before anything says so, and known by checksums."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ganbench.errors import BadInput

SUMS = "SHA256SUMS"  # of coreutils' format: `sha256sum -c` reads it in the results folder
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Writes beside `path`, then renames: a kill or a power cut leaves the old file or the new."""
    folder(path.parent)
    temporary = beside(path)
    write(temporary)
    sync(temporary)
    os.replace(temporary, path)
    sync(path.parent)


def beside(path: Path) -> Path:
    """Where a file is written before it is renamed; what a kill, or anybody, left there is gone."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)  # were it a link, what it leads to would be written over
    return temporary


def folder(path: Path) -> None:
    """Makes a folder and those that it lies in, each on disk, where they are not there yet."""
    if not path.is_dir():
        folder(path.parent)
        path.mkdir(exist_ok=True)
        sync(path.parent)


def sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(where: Path, files: Mapping[str, Callable[[Path], Any]]) -> None:
    """Writes files into a results folder, each by its function, whole or not at all.

    Raises:
        BadInput: the folder cannot be written to.
    """
    with writing(where):
        for name, made in files.items():
            replace(where / name, made)


@contextmanager
def writing(where: Path) -> Iterator[None]:
    """What the operating system refuses in here, a full disk among it, is told as bad input."""
    try:
        yield
    except OSError as error:
        told = error.strerror or error
        raise BadInput(f"{where}: cannot be written to: {told}") from None


def write_all(where: Path, files: Mapping[str, Callable[[Path], Any]]) -> None:
    """Writes the files that belong together, and their `SHA256SUMS`: all beside what they replace,
    then all renamed in their order. Who reads in between, or after a kill there, is told so by
    the sums.
    """
    folder(where)
    made = {name: beside(where / name) for name in (*files, SUMS)}
    for name, own in files.items():
        own(made[name])
    made[SUMS].write_text(sums({name: made[name] for name in files}))
    for path in made.values():
        sync(path)
    for name, path in made.items():
        os.replace(path, where / name)
    sync(where)


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sums(names: Mapping[str, Path]) -> str:
    """A `SHA256SUMS` of files by the names that it is to give them."""
    return listing({name: checksum(path) for name, path in names.items()})


def listing(known: Mapping[str, str]) -> str:
    """A `SHA256SUMS` of checksums by name."""
    return "".join(f"{known[name]}  {name}\n" for name in sorted(known))


def listed(path: Path) -> dict[str, str] | None:
    """What a `SHA256SUMS` says of each name; None if it is broken."""
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    found = [_LINE.fullmatch(line) for line in lines]
    return {one[2]: one[1] for one in found if one} if all(found) else None


def damaged(sums_of: Path, there: Iterable[Path]) -> Path | None:
    """The first of the files `there` that is not what a `SHA256SUMS` says; one that it has and that
    is gone; or the listing itself, where it is broken or lacks one of them.

    None if there is no listing: what wrote these files made none.

    Raises:
        BadInput: one of them cannot be read now: who knows what it is?
    """
    try:
        if not sums_of.is_file():
            return None
        files = {os.path.relpath(path, sums_of.parent): path for path in there}
        known = listed(sums_of)
        if known is None or files.keys() - known.keys():  # one that was cut short lacks a file
            return sums_of
        for name, written in known.items():
            if name not in files:
                return sums_of.parent / name
            if checksum(files[name]) != written:
                return files[name]
    except OSError as error:
        where = error.filename or sums_of.parent
        raise BadInput(f"{where}: cannot be read: {error.strerror or error}") from None
    return None


def verify(path: Path) -> None:
    """Raises BadInput if a file is not what the `SHA256SUMS` beside it, if there is one, says."""
    if altered(path):
        told = f"altered, cut short, or just being written: not what {SUMS} beside it says"
        raise BadInput(f"{path}: {told}; ganbench run makes it anew")


def altered(path: Path, sums_of: Path | None = None) -> bool:
    """Whether a file is not what a `SHA256SUMS`, if there is one, says; the one beside it if none
    is given.

    Raises:
        BadInput: one of them cannot be read.
    """
    sums_of = sums_of or path.with_name(SUMS)
    if not (path.is_file() and sums_of.is_file()):
        return False
    try:
        known, written = listed(sums_of), checksum(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    return known is None or known.get(os.path.relpath(path, sums_of.parent)) != written


def link_in(places: Iterable[Path]) -> Path | None:
    """The first of some files and folders that is a symbolic link, or a link in one of these
    folders, however deep; None if there is none. What goes away meanwhile is none.
    """
    left = list(places)
    while left:
        path = left.pop(0)
        if path.is_symlink():
            return path
        with suppress(FileNotFoundError, NotADirectoryError):
            left += sorted(path.iterdir())
    return None


def put_aside(path: Path, target: Path) -> None:
    """Moves a folder out of the way, in the place of what an earlier damage left there."""
    shutil.rmtree(target, ignore_errors=True)
    folder(target.parent)
    os.replace(path, target)
