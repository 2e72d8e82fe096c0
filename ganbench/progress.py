"""What a sweep tells whoever watches."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd


class Progress(NamedTuple):
    """Each is called where it happens; every default says nothing."""

    begin: Callable[[int, int], None] = lambda groups, lane_steps: None
    group: Callable[[str], None] = lambda label: None
    advance: Callable[[int], None] = lambda lane_steps: None
    done: Callable[[str, Sequence[str]], None] = lambda label, statuses: None
    curves: Callable[[pd.DataFrame], None] = lambda curves: None  # of a group that was trained
    stopped: Callable[[int], None] = lambda groups_left: None
    note: Callable[[str], None] = lambda told: None


def together(*watchers: Progress) -> Progress:
    """One that tells all of them, in their order."""

    def all_of(name: str) -> Callable[..., None]:
        def told(*what: Any) -> None:
            for watcher in watchers:
                getattr(watcher, name)(*what)

        return told

    return Progress(*map(all_of, Progress._fields))
