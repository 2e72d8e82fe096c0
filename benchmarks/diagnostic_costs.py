"""What a measurement of each diagnostic costs on the ring, in training steps.

    python benchmarks/diagnostic_costs.py > benchmarks/diagnostics.csv

Each is compiled into a group of suite `zoo` on its ring, a block on each core, and takes turns with
a chunk of training steps, so that a machine that gets slower slows both.
"""

import csv
import sys
import time
from collections.abc import Callable
from statistics import quantiles
from typing import Any

import jax
import numpy as np

from ganbench import runtime, suite
from ganbench.compilation_cache import use_compilation_cache
from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.plan import budget_of, groups
from ganbench.program import compile_group, lane_arguments
from ganbench.tasks.catalogue import TASKS

TASK, METHOD, ROUNDS = "ring", "nonsaturating", 9


def timed() -> tuple[dict[str, Callable[[], float]], Callable[[], float]]:
    """By diagnostic, a function that measures once, and one that trains: seconds, a step's."""
    zoo = suite.read(suite.find("zoo"))
    (group,) = [g for g in groups(zoo) if (g.task, g.method) == (TASK, METHOD)]
    task, devices = TASKS[TASK](), jax.devices()
    budget = budget_of(zoo.tasks[TASK], task)
    made = compile_group(
        task, METHOD, group.static, group.lanes[0], budget, devices, list(DIAGNOSTICS)
    )
    lanes = lane_arguments(task, [group.lanes[i % len(group.lanes)] for i in range(budget.block)])
    given = [(p, jax.device_put(lanes, p.device)) for p in made.programs]
    # trained for a while: at the start some eigenvalues and slopes are 0
    carries = [p.advance(own, p.shared, p.start(own, p.shared), np.int32(0))[0] for p, own in given]
    chunk = budget.steps // budget.evaluations

    def clocked(
        run: Callable[[Any, Any, Any], Any], share: int, then: Callable[[Any], Any] = lambda x: x
    ) -> Callable[[], float]:
        """The seconds of `run` on all devices at once, and `then` of each, over `share`."""

        def once() -> float:
            clock = time.perf_counter()
            pairs = zip(given, carries, strict=True)
            made = [run(p, own, carry) for (p, own), carry in pairs]
            jax.block_until_ready([then(one) for one in made])
            return (time.perf_counter() - clock) / share

        once()  # the first call is slower
        return once

    def measuring(name: str) -> Callable[[], float]:
        step, reduced = np.int32(chunk), DIAGNOSTICS[name].reduced
        return clocked(
            lambda p, own, carry: p.diagnose[name](own, p.shared, carry, step),
            1,
            lambda made: reduced(jax.tree.map(np.asarray, made)),
        )

    train = clocked(lambda p, own, carry: p.advance(own, p.shared, carry, np.int32(0)), chunk)
    return {name: measuring(name) for name in DIAGNOSTICS}, train


def main() -> None:
    runtime.set_devices("cpu")
    use_compilation_cache()
    measures, train = timed()
    rows = [("diagnostic", "steps", "low", "high", "rounds")]
    for name, measure in measures.items():
        low, middle, high = quantiles([measure() / train() for _ in range(ROUNDS)], n=4)
        rows.append((name, *(f"{x:.1f}" for x in (middle, low, high)), ROUNDS))
    csv.writer(sys.stdout, lineterminator="\n").writerows(rows)


main()
