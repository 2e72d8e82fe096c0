"""A group in flight on disk, so that a kill costs seconds: blocks' states and what they logged.

<folder>/<block>/chunks-<first>.npz      what its evaluations from one on left behind
                 state-<chunks>.npz      its state after so many of them
                 SHA256SUMS              names the files that belong together; written last

A block goes on only from what its own lanes left behind, in this order, by the same programs.
"""

import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ganbench.arrays import NotNow, read_npz
from ganbench.canonical import digest
from ganbench.errors import BadInput
from ganbench.files import SUMS, checksum, listed, listing, put_aside, replace, writing
from ganbench.packed import as_like, chunks_of, flat_chunks, natural, plain
from ganbench.record import Chunk
from ganbench.room import Say

EVERY = 15.0  # seconds between two checkpoints of a group, at least
SHARE = 0.02  # of the time, at most, goes into them


class Saved(NamedTuple):
    """How far a block was."""

    carry: Any  # as the program that goes on takes it, on the host
    chunks: list[Chunk]
    made_by: str  # tells the program, and the lanes in their order, from all others


class Checkpoints:
    """The checkpoints of one group.

    Args:
        folder: the group's own; what lies there and is not what was written, or was made by
            another program or of other lanes, is set aside, and the block starts anew, which
            gives the same.
        every: seconds between two checkpoints, at least, and as many more as keep them within
            their share of the time; 0 writes one at every evaluation.
        say: is told of what is not read.
        made_with: what else may change numbers, versions of packages for one.
    """

    def __init__(
        self,
        folder: Path,
        every: float = EVERY,
        say: Say = lambda told: None,
        made_with: Any = None,
    ):
        self.folder, self._every, self._say, self._made_with = folder, every, say, made_with
        self._due = time.monotonic() + every
        self._ended: dict[int, Saved] = {}  # blocks that are done and not yet written
        self._files: dict[int, dict[str, str]] = {}  # of chunks: checksums, by block and name
        self._written: dict[int, int] = {}  # how many chunks these hold

    def read(self, block: int, made_by: str, like: Any) -> Saved | None:
        """How far a block was, if that is known; `like` is a state of its shapes.

        Raises:
            BadInput: the machine cannot read it now; it stays.
        """
        folder = self.folder / str(block)
        if not folder.is_dir():
            return None
        if not (folder / SUMS).is_file():  # a kill came before the first was whole
            shutil.rmtree(folder, ignore_errors=True)
            return None
        known: dict[str, str] = {}
        try:
            known = _sound(folder)
            found = _read(folder, known, self._identity(made_by), like)
        except NotNow:
            raise
        except OSError as error:
            raise BadInput(f"{folder}: cannot be read: {error}") from None
        except Exception:  # whatever a file may hold that none of ours does
            found = None
        if found is None:
            told = f"altered, cut short or made otherwise; it is in {self._set_aside(folder)} now"
            self._say(f"{folder}: {told}, and its runs begin anew")
        chunks = {name: x for name, x in known.items() if name.startswith("chunks-")}
        self._files[block] = chunks if found else {}
        self._written[block] = len(found.chunks) if found else 0
        return found._replace(made_by=made_by) if found else None

    def _identity(self, made_by: str) -> str:
        return digest([made_by, self._made_with])

    def _set_aside(self, folder: Path) -> Path:
        target = self.folder.parents[1] / "damaged" / f"{self.folder.name}.{folder.name}"
        with writing(target):
            put_aside(folder, target)
        return target

    def keep(self, blocks: Mapping[int, Saved]) -> None:
        """Blocks that are done while others of the group are not: the next `write` writes them."""
        self._ended |= blocks

    def remove(self) -> None:
        """The group is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            self.folder.parent.rmdir()  # if no other group is in flight

    def due(self) -> bool:
        return time.monotonic() >= self._due

    def write(self, blocks: Mapping[int, Saved]) -> None:
        """Writes how far some blocks are, by number, and those that were kept.

        Raises:
            BadInput: it cannot be written.
        """
        began = time.monotonic()
        with writing(self.folder):
            for block, now in {**self._ended, **blocks}.items():
                if len(now.chunks) > self._written.get(block, 0):
                    self._write(block, *now)
        self._ended.clear()
        ended = time.monotonic()
        self._due = ended + (self._every and max(self._every, (ended - began) / SHARE))

    def _write(self, block: int, carry: Any, chunks: Sequence[Chunk], made_by: str) -> None:
        folder, known = self.folder / str(block), self._written.get(block, 0)
        leaves = dict(plain(f"leaf{i}", x) for i, x in enumerate(jax.tree.leaves(carry)))
        state = {"made_by": np.array(self._identity(made_by)), **leaves}
        new, last = f"chunks-{known}.npz", f"state-{len(chunks)}.npz"
        files = self._files.setdefault(block, {})
        files |= {new: _save(folder / new, dict(flat_chunks(chunks[known:])))}
        text = listing(files | {last: _save(folder / last, state)})
        replace(folder / SUMS, lambda path: path.write_text(text))
        self._written[block] = len(chunks)
        for path in folder.glob("state-*.npz"):
            if path.name != last:
                path.unlink()


def _save(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """Writes arrays; gives the file's checksum."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    replace(path, write)
    return checksum(path)


def _sound(folder: Path) -> dict[str, str]:
    """The checksums of a block's files by name; empty if one of them is not what was written."""
    known = listed(folder / SUMS) if (folder / SUMS).is_file() else None
    for name, written in (known or {}).items():
        path = folder / name
        if os.sep in name or not path.is_file() or checksum(path) != written:
            return {}
    return known or {}


def _read(folder: Path, files: Iterable[str], made_by: str, like: Any) -> Saved | None:
    states = [name for name in files if name.startswith("state-")]
    # first, before any of it takes memory, whether it is ours
    if len(states) != 1 or str(read_npz(folder / states[0], ["made_by"])["made_by"]) != made_by:
        return None
    chunks: list[Chunk] = []
    order = sorted((name for name in files if name.startswith("chunks-")), key=_number)
    for name in order:
        if _number(name) != len(chunks):
            return None
        chunks += chunks_of(read_npz(folder / name))
    if len(chunks) != _number(states[0]):
        return None
    leaves, tree = jax.tree.flatten(like)
    arrays = read_npz(folder / states[0])
    found = dict(natural(name, x) for name, x in arrays.items() if name != "made_by")
    made = [as_like(found[f"leaf{i}"], x) for i, x in enumerate(leaves)]
    return Saved(jax.tree.unflatten(tree, made), chunks, made_by)


def _number(name: str) -> int:
    return int(name.split("-")[1].removesuffix(".npz"))
