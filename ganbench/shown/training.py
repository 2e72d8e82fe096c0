"""How far a training is, for a terminal."""

import time
from collections.abc import Iterator, Mapping

from ganbench.watching import Status


def status(found: Status | None, ended: Mapping[str, int]) -> Iterator[str]:
    """What is being trained, and how the runs of the folder ended so far."""
    if found is None:
        yield "nothing is being trained here"
    else:
        left = found.left()
        yield (
            f"group {min(found.finished + 1, found.groups)} of {found.groups}: {found.training}, "
            f"{clock(found.told - found.began)} so far, "
            + ("" if left is None else f"{clock(left)} to go, ")
            + (
                f"told {clock(time.time() - found.told)} ago"
                if found.alive()
                else "but its process is gone: the same command goes on from here"
            )
        )
    total = sum(ended.values())
    each = ", ".join(f"{n:,} {name}" for name, n in sorted(ended.items(), key=lambda x: -x[1]))
    yield f"finished: {total:,} runs{': ' if each else ''}{each}"


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds."""
    return f"{int(seconds // 60)}m{int(seconds % 60):02d}s"
