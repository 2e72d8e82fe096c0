"""What a step of each method costs relative to `nonsaturating`, measured side by side.

    python benchmarks/costs.py > benchmarks/costs.csv

Every method of the suite `zoo` on its ring: a block of lanes on each core, all at once. A method's
chunks of steps take turns with those of `nonsaturating`, so that a machine that gets slower slows
both, and take turns in being first. A round gives one ratio; printed are their median and
quartiles, all at the end: a run cut short leaves nothing that looks whole.
"""

import csv
import sys
import time
from collections.abc import Callable
from statistics import quantiles

import jax
import numpy as np

from ganbench import runtime, suite
from ganbench.compilation_cache import use_compilation_cache
from ganbench.plan import Group, budget_of, groups
from ganbench.program import compile_group, lane_arguments
from ganbench.tasks.catalogue import TASKS

TASK, BASE, ROUNDS = "ring", "nonsaturating", 15


def timed(zoo: suite.Suite, group: Group) -> Callable[[], float]:
    """A function that trains one chunk from the start on every device: the seconds it took."""
    task, devices = TASKS[group.task](), jax.devices()
    budget = budget_of(zoo.tasks[group.task], task)
    made = compile_group(task, group.method, group.static, group.lanes[0], budget, devices)
    lanes = lane_arguments(task, group.lanes[: budget.block])
    given = [(p, jax.device_put(lanes, p.device)) for p in made.programs]
    carries = [p.start(own, p.shared) for p, own in given]

    def chunk() -> float:
        clock = time.perf_counter()
        jax.block_until_ready(
            [
                p.advance(own, p.shared, carry, np.int32(0))
                for (p, own), carry in zip(given, carries, strict=True)
            ]
        )
        return time.perf_counter() - clock

    chunk()  # the first call is slower
    return chunk


def ratio(own: Callable[[], float], base: Callable[[], float], base_first: bool) -> float:
    """The time of `own` over that of `base`."""
    if base_first:
        before = base()
        return own() / before
    mine = own()
    return mine / base()


def main() -> None:
    runtime.set_devices("cpu")
    use_compilation_cache()
    zoo = suite.read(suite.find("zoo"))
    planned = {g.method: g for g in groups(zoo) if g.task == TASK}
    base = timed(zoo, planned[BASE])
    rows = [("method", "cost", "low", "high", "rounds")]
    for method, group in planned.items():
        own = timed(zoo, group)
        ratios = [ratio(own, base, bool(i % 2)) for i in range(ROUNDS)]
        low, middle, high = quantiles(ratios, n=4)
        rows.append((method, *(f"{x:.2f}" for x in (middle, low, high)), ROUNDS))
        print(*rows[-1], file=sys.stderr)
    csv.writer(sys.stdout).writerows(rows)


main()
