"""What every score says of generators whose faults are known, and what it costs.

    python benchmarks/score_numbers.py > benchmarks/scores.csv

All have 2,500 samples. `perfect` draws from the training data as method `real` does, `noise` is
the task's own, `one` emits one fixed training sample of each mode, `memorizer` one of 100 fixed
training samples, others each time. `sd` is that of perfect samplers, over draws. Times are of the
processor, on one core: scoring a sample, and fitting to the truth. The columns from `none` on are
what scores make of bad input, a value or the reason.
"""

import csv
import sys
import time
from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from threadpoolctl import threadpool_limits

from ganbench.metrics.catalogue import METRICS, OPTIONAL, Metric, measured
from ganbench.metrics.sample import SIZE, Sample, Truth
from ganbench.metrics.score import Score, Undefined, stated
from ganbench.scoring import sampled, truth_of
from ganbench.tasks.base import Task
from ganbench.tasks.catalogue import TASKS

NAMES = ("ring", "grid", "digits")
DRAWS, FEWER = 24, 6  # of perfect samplers, and of each other generator
LEARNT = 100

Scorer = Callable[[Sample], Score]


def generators(task: Task, truth: Truth) -> dict[str, Callable[[int], np.ndarray]]:
    """name -> draw(seed) -> (2500, *shape)."""
    train = truth.train
    good = [np.flatnonzero((train.mode == k) & train.accepted)[0] for k in range(task.modes)]

    def perfect(seed: int) -> np.ndarray:
        return np.asarray(task.sample(jax.random.key(1000 + seed), task.train, SIZE))

    def noise(seed: int) -> np.ndarray:
        return np.asarray(task.noise(jax.random.key(seed), SIZE))

    def one(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return train.x[good][rng.choice(task.modes, size=SIZE, p=task.proportions)]

    def memorizer(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return train.x[rng.permutation(len(train.x))[:LEARNT]][rng.integers(LEARNT, size=SIZE)]

    return {"perfect": perfect, "noise": noise, "one": one, "memorizer": memorizer}


def bad_inputs(task: Task, x: np.ndarray) -> dict[str, Sample]:
    """What goes wrong, of perfect samples `x`."""
    sound = sampled(task, x)
    broken = x.copy()
    broken[0] = np.nan
    lost = np.resize(x[sound.mode > 0], x.shape)
    nothing, unknown = np.zeros(task.modes), np.full(task.modes, np.nan)
    good = {"counts": nothing, "accepted": 0.0, "p_hq": unknown, "entropy_hq": np.nan}
    no_good = sound.evidence._replace(**good)
    rejected = sound._replace(accepted=np.zeros(len(x), bool), evidence=no_good)
    nobody = no_good._replace(n=0.0, counts_any=nothing, p=unknown, entropy=np.nan)
    empty = [part[:0] for part in sound[:-1]]
    return {
        "none": Sample(*empty, nobody),
        "single": sampled(task, x[:1]),
        "broken": sampled(task, broken),
        "rejected": rejected,
        "constant": sampled(task, np.zeros_like(x)),
        "lost": sampled(task, lost),
    }


def fitted(truth: Truth) -> dict[str, tuple[Scorer, float]]:
    """name -> the score, and the seconds that fitting it took."""
    made: dict[str, tuple[Scorer, float]] = {}
    for name, metric in METRICS.items():
        made[name] = partial(of_sums, metric, truth), 0.0
    for name, optional in OPTIONAL.items():
        begun = time.process_time()
        try:
            score = optional.fit(truth)
        except Undefined as reason:
            score = partial(without, str(reason))
        made[name] = score, time.process_time() - begun
    return made


def of_sums(metric: Metric, truth: Truth, sample: Sample) -> Score:
    return measured(metric, sample.evidence, truth.reference)


def without(reason: str, sample: Sample) -> Score:
    raise Undefined(reason)


def said(scores: list[Score]) -> str:
    """The mean, or why there is none."""
    null = [score.note for score in scores if np.isnan(score.value)]
    if null:
        return null[0] + (f" (in {len(null)} of {len(scores)})" if len(null) < len(scores) else "")
    return f"{np.mean([score.value for score in scores]):.4g}"


def rows(name: str) -> list[dict[str, str]]:
    task = TASKS[name]()
    truth = truth_of(task)
    draws = generators(task, truth)
    samples = {
        g: [sampled(task, draw(i)) for i in range(DRAWS if g == "perfect" else FEWER)]
        for g, draw in draws.items()
    }
    bad = bad_inputs(task, draws["perfect"](DRAWS))
    made = []
    for score, (of, fit) in fitted(truth).items():
        row = {"task": name, "score": score, "fit_ms": f"{1000 * fit:.0f}"}
        for g, several in samples.items():
            begun = time.process_time()
            results = [stated(partial(of, sample), SIZE) for sample in several]
            spent = time.process_time() - begun
            row[g] = said(results)
            if g == "perfect":
                sd = np.std([result.value for result in results], ddof=1)
                row["sd"] = "" if np.isnan(sd) else f"{sd:.2g}"
                row["ms"] = f"{1000 * spent / len(several):.2g}"
        row |= {b: said([stated(partial(of, sample), len(sample.x))]) for b, sample in bad.items()}
        made.append(row)
    return made


def main() -> None:
    with threadpool_limits(1):
        made = [row for name in NAMES for row in rows(name)]
    writer = csv.DictWriter(sys.stdout, list(made[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(made)


main()
