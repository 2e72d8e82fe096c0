"""What memory there is, and what a group's programs take of it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import psutil


def total(device: jax.Device) -> int:
    """Bytes of memory that there are for `device`; devices of one CPU share theirs."""
    stats = device.memory_stats()
    if stats:
        return stats["bytes_limit"]
    return min(psutil.virtual_memory().total, _cgroup("memory.max"))


def free(device: jax.Device) -> int:
    """How many of them are free."""
    stats = device.memory_stats()
    if stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    left = _cgroup("memory.max") - min(_cgroup("memory.current"), _cgroup("memory.max"))
    return min(psutil.virtual_memory().available, left)


def taken(programs: Iterable[Any]) -> int:
    """Bytes that the largest of some compiled programs takes: arguments, results and between."""

    def of(program: Any) -> int:
        made = program.memory_analysis()
        parts = ("argument", "output", "temp", "generated_code")
        return sum(getattr(made, f"{part}_size_in_bytes") for part in parts)

    return max(of(program) for program in programs)


def told(size: float) -> str:
    """A number of bytes as people read it."""
    return f"{size / 2**30:.1f} GiB"


def _cgroup(name: str) -> float:
    """A number of the control group that this process is in; infinite where there is no limit."""
    try:
        return int(Path("/sys/fs/cgroup", name).read_text())
    except (OSError, ValueError):
        return float("inf")
