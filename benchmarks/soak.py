"""An hour of small sweeps in one process: does memory grow, do files stay open?

    python benchmarks/soak.py [--minutes N]

Each round trains a suite of two methods with a base seed of its own, in part, then whole, loads the
results, makes their page, and removes them. Printed are resident memory, open files, threads, and
the medians of each quarter; exit code 1 if memory in the last quarter is over that in the second by
more than 5 %, or a file or thread more is open. The first quarter fills caches.
"""

import argparse
import ctypes
import gc
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import psutil

from ganbench import runtime, suite, sweep
from ganbench.compilation_cache import use_compilation_cache
from ganbench.report.page import report

GROWTH = 0.05


def small(seed: int, methods: int) -> suite.Suite:
    made = suite.read(suite.find("smoke"))
    ring = made.tasks["ring"].model_copy(update={"steps": 60, "evaluations": 3})
    chosen = [m for m in made.methods if m.name in ("nonsaturating", "gap")][:methods]
    return made.model_copy(update={"tasks": {"ring": ring}, "methods": chosen, "seed": seed})


def once(seed: int, folder: Path) -> None:
    for methods in (1, 2):
        sweep.run(small(seed, methods), folder)
    report(folder)


def returned() -> None:
    """Has the C library give back what is free: what it keeps for later is no leak."""
    with suppress(OSError, AttributeError):  # of glibc alone
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Looks for leaks.")
    parser.add_argument("--minutes", type=float, default=60.0)
    end = time.monotonic() + 60 * parser.parse_args().minutes
    runtime.set_devices("cpu")
    use_compilation_cache()
    process, seen = psutil.Process(), []
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory() as folder:
            once(len(seen), Path(folder) / "out")
        gc.collect()
        returned()
        own = process.memory_info().rss / 1e6, process.num_fds(), process.num_threads()
        seen.append(own)
        told = f"{own[0]:.0f} MB, {own[1]} files, {own[2]} threads, {len(gc.get_objects())} objects"
        print(f"{len(seen)}: {told}", flush=True)
    each = max(1, len(seen) // 4)
    quarters = [seen[i * each : (i + 1) * each] for i in range(4)]
    middle = [[median(x[i] for x in part) for i in range(3)] for part in quarters if part]
    for memory, files, threads in middle:
        print(
            f"a quarter of {len(seen)}: {memory:.0f} MB, {files:.0f} files, {threads:.0f} threads"
        )
    (before, *held), (after, *now) = middle[1], middle[-1]
    sys.exit(after > (1 + GROWTH) * before or any(b > a for a, b in zip(held, now, strict=True)))


main()
