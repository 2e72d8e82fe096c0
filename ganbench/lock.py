"""One process at a time trains into a results folder."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ganbench.errors import BadInput
from ganbench.files import writing

NAME = ".lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds a folder, which is made if it is not there, until the context ends.

    The operating system lets go of it when the process ends, however it ends.

    Raises:
        BadInput: another process holds it, naming that; or the folder cannot be written to.
    """
    with ExitStack() as until_the_end:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            while not _locked(folder / NAME, until_the_end):
                pass  # whoever held it removed it after it was opened here
        yield


def _locked(path: Path, until_the_end: ExitStack) -> bool:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    until_the_end.callback(os.close, file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        told = f"{_told(os.pread(file, 4096, 0))} trains into it; wait for its end"
        raise BadInput(f"{path.parent}: {told}, or give another --out") from None
    if not _is(file, path):
        return False
    until_the_end.callback(path.unlink, missing_ok=True)
    os.truncate(file, 0)
    os.pwrite(file, _me(), 0)
    return True


def _is(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


def _me() -> bytes:
    own = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}
    return json.dumps(own).encode()


def _told(written: bytes) -> str:
    try:
        own = json.loads(written)
        return f"process {own['pid']} on {own['host']}, since {own['since']},"
    except (ValueError, TypeError, KeyError):  # it is just being written
        return "another process"
