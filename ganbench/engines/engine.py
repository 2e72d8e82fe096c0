"""Who trains a sweep's groups: an engine gives them back one by one, as they are finished."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from ganbench.checkpoint import Checkpoints
from ganbench.plan import Group
from ganbench.progress import Progress
from ganbench.schema import Suite
from ganbench.training import Finished


class Job(NamedTuple):
    """What there is to train."""

    suite: Suite
    groups: Sequence[Group]
    protocols: Mapping[str, str]  # by task: the protocol's hash
    over: Callable[[], bool]  # whether the time is up
    checkpoints: Callable[[Group], Checkpoints]


Trained = Iterator[tuple[Group, Finished]]
#: What is wrong with the engine itself is told as its context is entered, before anything is
#: written; whatever it holds it lets go of as that ends.
Engine = Callable[[Job, Progress], AbstractContextManager[Trained]]


def label(group: Group) -> str:
    """What a group is called while it is trained."""
    return f"{group.task} {group.method}"
