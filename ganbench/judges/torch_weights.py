"""PyTorch's weight files, read without PyTorch and without running what they say.

`torch.save` pickles a table, name -> tensor, and puts the numbers beside it: after it in the format
of before PyTorch 1.6 (that of the published Inception, by its size), as members of an archive
since. A pickle is a program; this reader lets it name what `NAMES` holds and refuses all else.
"""

import hashlib
import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ganbench.errors import BadInput

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the older format, torch/serialization.py
ARCHIVE = b"PK\x03\x04"  # how a zip file begins


class _Storage(NamedTuple):
    """Numbers in a row, which tensors are views of."""

    key: str
    kind: str  # NumPy's name of their type
    length: int


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides count numbers, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild(storage, offset, shape, strides, requires_grad, hooks) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}


class _Unpickler(pickle.Unpickler):
    """Knows `NAMES` alone; `storages` is what has been named so far, by key."""

    def __init__(self, file) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NAMES:
            raise pickle.UnpicklingError(f"names {module}.{name}, which is not allowed")
        return NAMES[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, _, count, *view = pid  # ("storage", kind, key, device, count[, None])
        if view not in ([], [None]):
            raise pickle.UnpicklingError(f"storage {key} is a view of another, which is not read")
        return self.storages.setdefault(key, _Storage(key, kind, count))


def load(path: Path, sha256: str, source: str) -> dict[str, np.ndarray]:
    """The arrays of the weight file at `path`, by name, in both formats of `torch.save`.

    Args:
        path: the file; all of it is read, and no other.
        sha256: what the file must hash to; nothing is unpickled before it does.
        source: where the file is to be had from, as a message says it.

    Raises: BadInput, naming the file, when it cannot be read, when its hash is another, or when it
    is no table of float32 and int64 tensors.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
        raise BadInput(f"{path}: {reason}; the file is {source}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise BadInput(f"{path}: SHA-256 is {found}, must be {sha256}; the file is {source}")
    try:
        return _arrays(content)
    except Exception as error:  # a pickle that is none may raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{path}: not a weight file of PyTorch: {reason}") from None


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    read = _from_archive if content.startswith(ARCHIVE) else _from_stream
    table, numbers = read(content)
    if not isinstance(table, dict) or not all(isinstance(t, _Tensor) for t in table.values()):
        raise ValueError("it does not hold a table of tensors")
    return {name: _array(tensor, numbers) for name, tensor in table.items()}


def _from_stream(content: bytes) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    """Pickles of a magic number, a version, the system, the table and the storages' keys; then of
    each storage its length, 8 bytes, and its numbers."""
    file = io.BytesIO(content)
    if _Unpickler(file).load() != MAGIC:
        raise ValueError("it does not begin with PyTorch's magic number")
    _, system = _Unpickler(file).load(), _Unpickler(file).load()
    if not system["little_endian"]:
        raise ValueError("its numbers are not little-endian")
    unpickler = _Unpickler(file)
    table = unpickler.load()
    places = {}
    for key in _Unpickler(file).load():
        storage = unpickler.storages[key]
        if int.from_bytes(file.read(8), "little") != storage.length:
            raise ValueError(f"storage {key} is not of {storage.length} numbers")
        places[key] = file.tell()
        file.seek(storage.length * np.dtype(storage.kind).itemsize, io.SEEK_CUR)

    def numbers(storage: _Storage) -> np.ndarray:
        return np.frombuffer(content, storage.kind, storage.length, places[storage.key])

    return table, numbers


def _from_archive(content: bytes) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    """Members NAME/data.pkl, the table, and NAME/data/KEY, a storage's numbers."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    (member,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
    folder = member.removesuffix("data.pkl")
    order = f"{folder}byteorder"  # older archives have none: all were little-endian
    if order in archive.namelist() and archive.read(order) != b"little":
        raise ValueError("its numbers are not little-endian")
    table = _Unpickler(io.BytesIO(archive.read(member))).load()

    def numbers(storage: _Storage) -> np.ndarray:
        raw = archive.read(f"{folder}data/{storage.key}")
        return np.frombuffer(raw, storage.kind, storage.length)

    return table, numbers


def _array(tensor: _Tensor, numbers: Callable[[_Storage], np.ndarray]) -> np.ndarray:
    """A copy of what `tensor` views; it must lie inside its storage."""
    storage, offset, shape, strides = tensor
    last = sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    inside = min(0, offset, *shape, *strides) == 0 and offset + last < storage.length
    if not inside or math.prod(shape) > storage.length:
        raise ValueError(f"a tensor of shape {shape} is not inside its storage")
    row = numbers(storage)
    steps = tuple(stride * row.itemsize for stride in strides)
    return as_strided(row[offset:], shape, steps).copy()
