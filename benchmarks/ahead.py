"""Whether compiling the next group while one is trained makes a sweep faster: seconds, in turns.

    python benchmarks/ahead.py [--rounds N]

The suite `smoke` on its ring, every sweep in a process with an empty compilation cache: the next
group compiled ahead, as sweeps do, and one after the other. Printed are the times and the median of
the rounds' ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

from ganbench import runtime, suite, sweep
from ganbench.compilation_cache import use_compilation_cache
from ganbench.engines import local


class InTurn:
    """`Ahead`, but each result is made when it is taken."""

    def __init__(self, calls: Iterable[Callable[[], Any]]):
        self._calls = iter(calls)

    def __enter__(self) -> "InTurn":
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def take(self) -> Any:
        return next(self._calls)()


def once(ahead: bool, folder: str) -> None:
    """One sweep of a fresh process; prints its seconds."""
    runtime.set_devices("cpu")
    use_compilation_cache()
    if not ahead:
        local.Ahead = InTurn  # type: ignore[misc, assignment]
    made = suite.read(suite.find("smoke"))
    ring = made.model_copy(update={"tasks": {"ring": made.tasks["ring"]}})
    begun = time.perf_counter()
    sweep.run(ring, Path(folder) / "out")
    print(json.dumps(time.perf_counter() - begun))


def measured(ahead: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--once", str(int(ahead)), folder]
        environment = os.environ | {"XDG_CACHE_HOME": folder}
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Times compiling ahead.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--once", nargs=2, metavar=("AHEAD", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        once(given.once[0] == "1", given.once[1])
        return
    ratios = []
    for i in range(given.rounds):
        taken = {ahead: measured(ahead) for ahead in ((True, False), (False, True))[i % 2]}
        ratios.append(taken[True] / taken[False])
        print(f"ahead {taken[True]:.1f} s, in turn {taken[False]:.1f} s", flush=True)
    print(f"ahead over in turn: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


main()
