"""Cores of a process's own, where several share a machine and nobody hands cores out."""

import fcntl
import os
import tempfile
from pathlib import Path

_HELD: list[int] = []  # descriptors of locks: they go with the process


def pinned(wanted: int) -> set[int]:
    """Binds this thread, and all that it starts from then on, to so many cores that no other
    process has been bound to by this function; to fewer of its own where there are not as many.

    XLA makes as many threads as it may use cores, so this comes before JAX starts.
    """
    if not hasattr(os, "sched_setaffinity"):
        return set()
    mine = sorted(os.sched_getaffinity(0))
    folder = Path(tempfile.gettempdir()) / f"ganbench-cores-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    own: set[int] = set()
    for core in mine:
        if len(own) < wanted and _locked(folder / str(core)):
            own.add(core)
    taken = [core for core in mine if core not in own]
    own |= set(taken[: wanted - len(own)])
    os.sched_setaffinity(0, own)
    return own


def _locked(path: Path) -> bool:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _HELD.append(file)
    return True
