"""An hour of small sweeps in one process: does memory grow, do files stay open?

    python benchmarks/soak.py [--minutes N]

Each round trains a suite of two methods with a base seed of its own, in part, then whole, loads the
results, makes their page, and removes them. Printed are the memory that is in use, what the process
holds in all, open files and threads, and the medians of each quarter; exit code 1 if in the last
quarter more is in use than in the second by 1 %, or 10 % more is held, or a file more is open. The
first quarter fills caches. What is held moves with how the C library's arenas are cut up: a leak is
in use. Threads are not judged: Arrow's pools grow when they must, to the number of cores and eight.
"""

import argparse
import ctypes
import gc
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

from ganbench import runtime, suite, sweep
from ganbench.compilation_cache import use_compilation_cache
from ganbench.report.page import report

IN_USE, HELD = 0.01, 0.10  # growth that is none


class Mallinfo(ctypes.Structure):
    """As in malloc.h: bytes from arenas, in use and free, and those mapped apart, among others."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks".split()
    ] + [("keepcost", ctypes.c_size_t)]


def in_use() -> float:
    """Megabytes that the program has asked of the C library, glibc, and not given back."""
    asked = ctypes.CDLL("libc.so.6").mallinfo2
    asked.restype = Mallinfo
    now = asked()
    return (now.uordblks + now.hblkhd) / 1e6


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
    ctypes.CDLL("libc.so.6").malloc_trim(0)


def told(used: float, held: float, files: float, threads: float) -> str:
    return f"{used:.1f} MB in use of {held:.0f}, {files:.0f} files, {threads:.0f} threads"


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
        own = in_use(), process.memory_info().rss / 1e6, process.num_fds(), process.num_threads()
        seen.append(own)
        print(f"{len(seen)}: {told(*own)}, {len(gc.get_objects())} objects", flush=True)
    each = max(1, len(seen) // 4)
    quarters = [seen[i * each : (i + 1) * each] for i in range(4)]
    middle = [[median(x[i] for x in part) for i in range(4)] for part in quarters if part]
    for part in middle:
        print(f"a quarter of {len(seen)}: {told(*part)}")
    before, after = middle[1], middle[-1]
    most = (1 + IN_USE) * before[0], (1 + HELD) * before[1], before[2]
    sys.exit(any(now > bound for now, bound in zip(after, most, strict=False)))


main()
