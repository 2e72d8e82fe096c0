"""Arrays in files: written compressed; read whole, or refused in one line."""

import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import psutil

from ganbench.errors import BadInput

SHARE = 0.5  # of the memory that is free, at most, for the arrays of one file


class NotNow(BadInput):
    """What this machine cannot read now, for want of memory or by an error of its own: that says
    nothing of the file.
    """


def npz_writer(arrays: Mapping[str, np.ndarray]) -> Callable[[Path], None]:
    """What writes `arrays` to a file, compressed."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    return write


def read_npz(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of a file, or those that are named; they hold no pickle.

    Raises:
        BadInput: it cannot be read, or lacks one of them.
        NotNow: the system cannot, or there is no room: a few kilobytes may unpack to as much as
            you like.
    """
    asked = None if names is None else list(names)
    try:
        with zipfile.ZipFile(path) as packed:
            members = [(x.filename.removesuffix(".npy"), x.file_size) for x in packed.infolist()]
        size = sum(own for name, own in members if asked is None or name in asked)
        free = psutil.virtual_memory().available
        if size > SHARE * free:
            told = f"{size:,} bytes when unpacked, of {free:,} that are free"
            raise NotNow(f"{path}: cannot be read: {told}")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in (arrays.files if asked is None else asked)}
    except NotNow:
        raise
    except (OSError, MemoryError) as error:
        told = getattr(error, "strerror", None) or "there is too little memory"
        raise NotNow(f"{path}: cannot be read: {told}") from None
    except Exception as error:  # NumPy parses headers as Python: a flipped bit may raise anything
        told = (str(error) or type(error).__name__).splitlines()[0]
        raise BadInput(f"{path}: cannot be read: {told}") from None
