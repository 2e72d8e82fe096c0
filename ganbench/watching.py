"""How far a sweep is, for whoever asks from another process: a small file, while it trains."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pydantic

from ganbench.errors import BadInput
from ganbench.files import beside
from ganbench.progress import Progress

NAME = "progress.json"
EVERY = 1.0  # seconds between two writes, at least
SAME = 5.0  # seconds that a process's start may move by, as the clock is set


class Status(NamedTuple):
    """What a sweep last told of itself."""

    pid: int
    began: float  # seconds since 1970, as is `told`
    told: float
    groups: int
    finished: int  # groups
    training: str  # the task and the method of the group in hand
    all_steps: int  # lanes times steps, of all groups
    steps: int
    ended: dict[str, int]  # runs by how they ended
    started: float = 0.0  # its process, seconds since 1970

    def alive(self) -> bool:
        """Whether its process is still there, not another of its number; of another machine's
        nothing is known.
        """
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) < SAME
        except (psutil.Error, ValueError, OverflowError):
            return False

    def left(self) -> float | None:
        """Seconds that the rest takes at the pace so far; None before the first step."""
        pace = (self.told - self.began) / self.steps if self.steps else None
        return None if pace is None else pace * (self.all_steps - self.steps)


_STATUS = pydantic.TypeAdapter(Status)


@contextmanager
def told(folder: Path) -> Iterator[Progress]:
    """The `Progress` that keeps `progress.json` in a results folder, and removes it at its end.

    What is written is lost where it cannot be: a sweep does not end for it.
    """
    now, ended = time.time(), Counter[str]()
    me = psutil.Process()
    state = Status(me.pid, now, now, 0, 0, "", 0, 0, {}, me.create_time())
    due = -float("inf")

    def change(at_once: bool = True, **values) -> None:
        nonlocal state, due
        state = state._replace(told=time.time(), **values)
        if at_once or time.monotonic() >= due:
            due = time.monotonic() + EVERY
            _write(folder, state)

    def done(label: str, statuses: Sequence[str]) -> None:
        ended.update(statuses)
        change(finished=state.finished + 1, ended=dict(ended))

    try:
        yield Progress(
            begin=lambda groups, lane_steps: change(groups=groups, all_steps=lane_steps),
            group=lambda label: change(training=label),
            advance=lambda lane_steps: change(False, steps=state.steps + lane_steps),
            done=done,
        )
    finally:
        (folder / NAME).unlink(missing_ok=True)


def _write(folder: Path, state: Status) -> None:
    try:
        temporary = beside(folder / NAME)
        temporary.write_text(json.dumps(state._asdict()))
        os.replace(temporary, folder / NAME)
    except OSError:
        pass


def status(folder: Path) -> Status | None:
    """What the sweep that trains in `folder` last told; None if there is none.

    Raises:
        BadInput: no folder there, or a file that is no such state.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    try:
        return _STATUS.validate_json((folder / NAME).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{folder / NAME}: cannot be read: {error.strerror}") from None
    except pydantic.ValidationError as error:
        first = error.errors()[0]["msg"]
        raise BadInput(f"{folder / NAME}: no state of a training: {first}") from None
