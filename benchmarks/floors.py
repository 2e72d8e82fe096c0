"""What a perfect sampler scores: each task's floors, as means over eight draws.

    python benchmarks/floors.py [TASK ...]

A score is to be read against these, not against 0 or 100 %.
"""

import sys

import jax
import numpy as np

from ganbench import runtime
from ganbench.budget import Budget
from ganbench.compilation_cache import use_compilation_cache
from ganbench.harness import prepared
from ganbench.metrics.catalogue import METRICS
from ganbench.program import Lane
from ganbench.scoring import core_scores
from ganbench.tasks.catalogue import TASKS

SIZES = (2_500, 10_000, 26_000)
SHOWN = [name for name in METRICS if not name.endswith("_hq")]


def floors(name: str, n: int) -> dict[str, float]:
    """Mean scores of `n` samples drawn from the training data of task `name`."""
    task = TASKS[name]()
    nets = {"nets": "mlp", "width": 8, "depth": 1, "latent": 2, "batch": 500}
    sizes = {"steps": 1, "evaluations": 1, "curve_samples": n, "final_samples": n, "block": 4}
    budget = Budget(**nets, optimizer="adam", b1=0.5, b2=0.999, **sizes)
    lanes = [Lane(0, i, {"learning_rate": 0.0}, "floors") for i in range(8)]
    records, _ = prepared(task, "real", {}, lanes, budget, jax.devices())()
    scores = [core_scores(record.final, task) for record in records]
    return {m: float(np.mean([own[m].value for own in scores])) for m in SHOWN}


def main() -> None:
    runtime.set_devices("cpu")
    use_compilation_cache()
    print("| task | n | " + " | ".join(SHOWN) + " |")
    print("|---" * (len(SHOWN) + 2) + "|")
    for name in sys.argv[1:] or TASKS:
        for n in SIZES:
            row = floors(name, n)
            print(f"| {name} | {n:,} | " + " | ".join(f"{v:.4g}" for v in row.values()) + " |")


main()
