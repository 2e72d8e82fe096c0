"""What memory there is, and what a group's programs take of it."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import psutil

_allowed = math.inf


def allow(size: float) -> None:
    """From now on this process may take `size` bytes of the host's memory: others share it."""
    global _allowed
    _allowed = size


def total(device: jax.Device) -> int:
    """Bytes of memory that there are for `device`; devices of one CPU share theirs."""
    stats = device.memory_stats()
    if stats:
        return stats["bytes_limit"]
    limits = (group.limit for group in control_groups())
    return int(min(psutil.virtual_memory().total, *limits, _allowed))


def free(device: jax.Device) -> int:
    """How many of them are free."""
    stats = device.memory_stats()
    if stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    left = (max(group.limit - group.used, 0) for group in control_groups())
    own = max(_allowed - psutil.Process().memory_info().rss, 0)
    return int(min(psutil.virtual_memory().available, *left, own))


def taken(programs: Iterable[Any]) -> int:
    """Bytes that the largest of some compiled programs takes: arguments, results and between."""

    def of(program: Any) -> int:
        made = program.memory_analysis()
        parts = ("argument", "output", "temp", "generated_code")
        return sum(getattr(made, f"{part}_size_in_bytes") for part in parts)

    return max(of(program) for program in programs)


def ran_out(error: Exception) -> bool:
    """Whether an error says that there was too little memory."""
    if isinstance(error, jax.errors.JaxRuntimeError):
        return str(error).startswith("RESOURCE_EXHAUSTED")
    return isinstance(error, MemoryError)


def told(size: float) -> str:
    """A number of bytes as people read it."""
    return f"{size / 2**30:.1f} GiB"


class ControlGroup(NamedTuple):
    """What a control group of Linux may take of memory, and has taken: bytes, caches left out."""

    limit: float
    used: float


class _Files(NamedTuple):
    """What a version of control groups calls its files."""

    limit: str
    used: str
    caches: str  # of `memory.stat`: pages of files, which are given up on demand


_TWO = _Files("memory.max", "memory.current", "inactive_file")
_ONE = _Files("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def control_groups(
    own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> Iterator[ControlGroup]:
    """Those that this process is in and that limit its memory, the innermost first.

    A container may see its own group as the root, under a path that `own` does not know.
    """
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:  # no Linux
        return
    for _, controllers, path in lines:
        if controllers == "":
            yield from _limited(root, path, _TWO)
        elif "memory" in controllers.split(","):
            yield from _limited(root / "memory", path, _ONE)


def _limited(root: Path, path: str, files: _Files) -> Iterator[ControlGroup]:
    inner = root / path.strip("/")
    for folder in (inner, *(p for p in inner.parents if p.is_relative_to(root))):
        try:
            limit, used = (int((folder / name).read_text()) for name in files[:2])
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            yield ControlGroup(limit, used - int(stat[files.caches]))
        except (OSError, ValueError, KeyError):  # not there, or "max": no limit
            continue
