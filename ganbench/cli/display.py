"""How a sweep shows itself: a live display on a terminal, plain lines elsewhere."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ganbench.progress import Progress


class _Tally:
    """What has been reported so far."""

    def __init__(self) -> None:
        self.groups = self.finished = self.total = self.steps = 0
        self.statuses: Counter[str] = Counter()
        self.label, self.began = "", time.monotonic()

    def text(self) -> str:
        seconds = time.monotonic() - self.began
        rate = self.steps / seconds if seconds > 0 else 0.0
        left = (self.total - self.steps) / rate if rate else float("inf")
        eta = f"{int(left // 60)}m{int(left % 60):02d}s" if left != float("inf") else "?"
        seen = ", ".join(f"{n} {status}" for status, n in sorted(self.statuses.items())) or "none"
        return (
            f"group {min(self.finished + 1, self.groups)}/{self.groups}  {self.label}  "
            f"{rate:,.0f} lane-steps/s  ETA {eta}  runs so far: {seen}"
        )


@contextmanager
def shown(console: Console) -> Iterator[Progress]:
    """The `Progress` that draws on `console`: one live line on a terminal, else a line a group."""
    tally = _Tally()
    live = Live(console=console, auto_refresh=False, transient=True)

    def refresh() -> None:
        if console.is_terminal:
            live.update(Text(tally.text(), no_wrap=True, overflow="ellipsis"), refresh=True)

    def begin(groups: int, lane_steps: int) -> None:
        tally.groups, tally.total, tally.began = groups, lane_steps, time.monotonic()
        console.print(f"{groups} groups to train", highlight=False)

    def group(label: str) -> None:
        tally.label = label
        refresh()

    def advance(lane_steps: int) -> None:
        tally.steps += lane_steps
        refresh()

    def done(label: str, statuses: Sequence[str]) -> None:
        tally.finished += 1
        tally.statuses.update(statuses)
        seen = ", ".join(f"{n} {status}" for status, n in sorted(Counter(statuses).items()))
        seconds = time.monotonic() - tally.began
        console.print(
            f"[{tally.finished}/{tally.groups}] {label}: {seen} ({seconds:.0f} s so far)",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        refresh()

    def stopped(groups_left: int) -> None:
        console.print(
            f"time limit: {groups_left} of {tally.groups} groups not started; "
            "the same command goes on from here",
            highlight=False,
        )

    told: set[str] = set()

    def note(line: str) -> None:
        if line not in told:  # what holds for one group holds for the next
            console.print(f"note: {line}", highlight=False, markup=False, soft_wrap=True)
        told.add(line)

    made = Progress(begin, group, advance, done, stopped=stopped, note=note)
    if console.is_terminal:
        with live:
            yield made
    else:
        yield made
