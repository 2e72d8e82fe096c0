"""Who trains a sweep's groups: an engine gives them back one by one, as they are finished."""

from collections.abc import Callable, Generator, Mapping, Sequence
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


Trained = Generator[tuple[Group, Finished], None, None]
Engine = Callable[[Job, Progress], Trained]


def label(group: Group) -> str:
    """What a group is called while it is trained."""
    return f"{group.task} {group.method}"
