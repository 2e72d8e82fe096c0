"""An hour of small sweeps in one process: does memory grow, do files stay open?

    python benchmarks/soak.py [--minutes N]

Each round trains a suite of two methods with a base seed of its own, in part, then whole, loads the
results, makes their page, and removes them. Printed are the memory that is in use, what the process
holds in all, open files, threads, Python's objects, and the medians of each quarter; exit code 1 if
the last quarter has more than the second: 5 % more in use (a hash table that doubles is 3 % of so
little), 10 % more held (which moves with how the C library's arenas are cut up), a file more, nine
threads (Arrow's pools grow when they must), or 1 % more objects. The first quarter fills caches.
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

#: The most that the last quarter may have of each, by what the second has.
MORE = (
    lambda used: 1.05 * used,
    lambda held: 1.10 * held,
    lambda files: files,
    lambda threads: threads + 8,
    lambda objects: 1.01 * objects,
)


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


def told(used: float, held: float, files: float, threads: float, objects: float) -> str:
    kept = f"{used:.1f} MB in use of {held:.0f}, {files:.0f} files, {threads:.0f} threads"
    return f"{kept}, {objects:.0f} objects"


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
        held, objects = process.memory_info().rss / 1e6, len(gc.get_objects())
        seen.append((in_use(), held, process.num_fds(), process.num_threads(), objects))
        print(f"{len(seen)}: {told(*seen[-1])}", flush=True)
    each = max(1, len(seen) // 4)
    quarters = [seen[i * each : (i + 1) * each] for i in range(4)]
    middle = [[median(x[i] for x in part) for i in range(len(MORE))] for part in quarters if part]
    for part in middle:
        print(f"a quarter of {len(seen)}: {told(*part)}")
    before, after = middle[1], middle[-1]
    sys.exit(any(b > more(a) for a, b, more in zip(before, after, MORE, strict=True)))


main()
