"""The page of diagnostics: what each measures, and what a measurement costs on the ring.

    python benchmarks/diagnostics.py > docs/diagnostics.md

Each is compiled into a group of suite `zoo` on its ring, a block on each core, and takes turns with
a chunk of training steps, so that a machine that gets slower slows both.
"""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np

from ganbench import runtime, suite
from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.plan import budget_of, groups
from ganbench.program import compile_group, lane_arguments
from ganbench.tasks.catalogue import TASKS

TASK, METHOD, ROUNDS = "ring", "nonsaturating", 7
SOURCES = Path(__file__).parents[1] / "ganbench" / "diagnostics"

HEAD = """# Diagnostics: what is measured inside a game

Made by `python benchmarks/diagnostics.py`. A suite asks for them by name, with how many times each
is measured during a training, spread evenly over its evaluations, the last one among them:

```toml
[diagnostics]
spectrum = 5
overfit = 25
```

They stand in `curves.parquet` as `diagnostic/quantity`. Each is a program of its own that runs
between two chunks of training, for all lanes of a block at once, on a batch and noise that stay the
same; it changes no result, and a suite without any trains exactly the program that it did before.
They look inside the game that a method plays, so reference rows have none; of a method that plays
several (`gap`) they are means over its pairs. Gradient and update norms of each player
(`grad_norm/g`, `update_norm/d`, ...) need no asking: every run logs them at every step, and the
curves hold mean, least and largest between two evaluations.

Two more need nothing measured: `ganbench informativeness FOLDER` says of each row whether its
discriminator's loss tells how good its samples are (`docs/informativeness.md`), and
`ganbench gam2 FOLDER` lets every generator meet every other row's discriminator.
"""

COST = """
## What they cost

One measurement of a block of {lanes} lanes of `nonsaturating` on the ring of suite `zoo` (`mlp` of
width {width}, batch {batch}), in training steps of the same block: medians of {rounds} alternating
rounds, on a CPU of two cores.

| diagnostic | steps that one measurement takes |
|---|---|"""


def described(name: str) -> str:
    """The comment above a diagnostic: its documentation, as paragraphs."""
    text = (SOURCES / f"{name}.py").read_text()
    found = re.search(rf"((?:^#:.*\n)+){name} = Diagnostic", text, re.M)
    if not found:
        sys.exit(f"{SOURCES / name}.py: no comment #: above {name}")
    lines = [line.removeprefix("#:").strip() for line in found[1].splitlines()]
    return "\n".join(lines)


def timed() -> tuple[dict[str, Callable[[], float]], Callable[[], float], Any]:
    """By diagnostic, a function that measures once; one that trains a step's worth; the budget."""
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

    def clocked(run: Callable[[Any, Any, Any], Any], share: int) -> Callable[[], float]:
        def once() -> float:
            clock = time.perf_counter()
            pairs = zip(given, carries, strict=True)
            jax.block_until_ready([run(p, own, carry) for (p, own), carry in pairs])
            return (time.perf_counter() - clock) / share

        once()  # the first call is slower
        return once

    def measuring(name: str) -> Callable[[], float]:
        step = np.int32(chunk)
        return clocked(lambda p, own, carry: p.diagnose[name](own, p.shared, carry, step), 1)

    train = clocked(lambda p, own, carry: p.advance(own, p.shared, carry, np.int32(0)), chunk)
    return {name: measuring(name) for name in DIAGNOSTICS}, train, budget


def main() -> None:
    runtime.set_devices("cpu")
    runtime.use_compilation_cache()
    print(HEAD)
    for name, diagnostic in DIAGNOSTICS.items():
        print(f"## `{name}`: {diagnostic.summary}\n\n{described(name)}\n")
    measures, train, budget = timed()
    told = {"lanes": budget.block, "width": budget.width, "batch": budget.batch}
    print(COST.format(rounds=ROUNDS, **told))
    for name, measure in measures.items():
        ratios = [measure() / train() for _ in range(ROUNDS)]
        print(f"| `{name}` | {median(ratios):,.0f} |")


if __name__ == "__main__":
    main()
