"""How often the intervals of a leaderboard hold what they claim to, by simulation.

    python benchmarks/coverage.py > ganbench/coverage.csv

2,000 boards of five rows each, at every size, of which the true means are known:

* `pooled`: all runs of a task in the reference suites, whatever their method. Their scores are
  skewed, bounded and of few values; what an interval shows for a score follows from these alone.
* `one row`: each row of a board draws from the runs of one row of the reference suites, 8 or more.
* `gaussian`: what Student's interval is made for.

A run without a score is drawn no more than it has one, so n is the number of scores. Of kind
`board` is what a leaderboard of n runs shows, each of which has no score with probability 1/4: far
more than the runs that diverged, so that means are of a random number of values.
"""

import csv
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ganbench.intervals import POOLED, SIZES, Coverage, Covered, kind, least
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.statistics import Ends, bootstrap_ends, t_ends

ROOT = Path(__file__).parents[1]
SUITES = (  # all but the grids, whose runs differ in more than the seed
    *("mode-collapse", "zoo", "scrutiny", "stacked-mnist", "pacgan-toy", "veegan"),
    *("unrolled-stacked", "pacgan-stacked", "r3gan-stacked"),
)
REFERENCE = ("real", "held-out", "noise")  # no methods: they would make means easy
BOARDS, ROWS = 2000, 5
LEAST_ROW = 8  # runs of a row that is drawn from: points of a grid have one each
UNSCORED = 0.25
ENDS: dict[str, Callable[[np.ndarray], Ends]] = {"t": t_ends, "bootstrap": bootstrap_ends}
AT_ONCE = 1000  # samples, which the bootstrap takes times 1,999

Draw = Callable[[np.random.Generator, int, int], tuple[np.ndarray, np.ndarray]]


def runs() -> pd.DataFrame:
    """The runs of the reference suites, with those of methods alone."""
    read = [pd.read_csv(ROOT / f"results/reference/{s}/runs.csv").assign(suite=s) for s in SUITES]
    made = pd.concat(read)
    return made[~made["method"].isin(REFERENCE)]


def pooled(values: np.ndarray) -> Draw:
    """Samples from `values`: `draw(rng, n, samples)` gives (n, samples) and the true means."""

    def draw(rng, n, samples):
        return values[rng.integers(len(values), size=(n, samples))], np.full(samples, values.mean())

    return draw


def one_row(rows: list[np.ndarray]) -> Draw:
    """Each sample from one of `rows`, drawn by chance."""
    size = np.array([len(row) for row in rows])
    start = np.cumsum(size) - size
    flat, means = np.concatenate(rows), np.array([row.mean() for row in rows])

    def draw(rng, n, samples):
        row = rng.integers(len(rows), size=samples)
        return flat[start[row] + rng.integers(size[row], size=(n, samples))], means[row]

    return draw


def gaussian(rng, n, samples):
    """Samples from the standard normal distribution."""
    return rng.normal(size=(n, samples)), np.zeros(samples)


def held(ends: Callable[[np.ndarray], Ends], x: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Of each column of `x`: whether its interval is shown, and whether it holds `truth`: (2, m).

    As on a leaderboard no interval is shown where a value is infinite or all are the same, or an
    end is not finite. No interval holds an infinite mean.
    """
    shown = np.isfinite(x).all(0) & (np.ptp(np.where(np.isfinite(x), x, 0), axis=0) > 0)
    holds = np.zeros_like(shown)
    for part in np.array_split(np.flatnonzero(shown), range(AT_ONCE, shown.sum(), AT_ONCE)):
        if len(part):
            low, high = ends(x[:, part])
            shown[part] = np.isfinite(low) & np.isfinite(high)
            holds[part] = shown[part] & (low <= truth[part]) & (truth[part] <= high)
    return np.stack([shown, holds])


def board(draw: Draw, score: str, n: int, covered: Covered, rng, samples: int) -> np.ndarray:
    """`held` of what a board of `n` runs shows, a random number of which have a score."""
    x, truth = draw(rng, n, samples)
    scored = rng.binomial(n, 1 - UNSCORED, size=samples)
    made = np.zeros((2, samples), bool)
    for k in np.unique(scored):
        own = kind(score, int(k), covered)
        if own is not None:
            at = scored == k
            made[:, at] = held(ENDS[own], x[:k, at], truth[at])
    return made


def _row(population: str, task: str, score: str, n: int, own: str, found: np.ndarray) -> Coverage:
    shown, holds = found.sum(1)
    covered = holds / shown if shown else float("nan")
    return Coverage(population, task, score, n, own, float(found[0].mean()), float(covered))


def _generator(seed: int, *names) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32("/".join(map(str, names)).encode()), seed])


def simulate(
    draws: Mapping[tuple[str, str, str], Draw], sizes=SIZES, samples=BOARDS * ROWS, seed=0
) -> Iterator[Coverage]:
    """The coverage of each (population, task, score), at each size and kind, and as shown.

    What is drawn hangs on these names and the seed alone, not on what else is simulated.
    """
    made = []
    for names, draw in draws.items():
        for n in sizes:
            x, truth = draw(_generator(seed, *names, n), n, samples)
            for own, ends in ENDS.items():
                made.append(_row(*names, n, own, held(ends, x, truth)))
                yield made[-1]
    yield from boards(draws, made, sizes, samples, seed)


def boards(
    draws: Mapping[tuple[str, str, str], Draw],
    made: Iterable[Coverage],
    sizes=SIZES,
    samples=BOARDS * ROWS,
    seed=0,
) -> Iterator[Coverage]:
    """The coverage of what boards show by the intervals' own coverage `made`."""
    made = list(made)
    for names, draw in draws.items():
        if names[0] == POOLED:
            covered = least(row for row in made if row.task == names[1])
            for n in sizes:
                rng = _generator(seed, *names, n, "board")
                found = board(draw, names[2], n, covered, rng, samples)
                yield _row(*names, n, "board", found)


def populations() -> dict[tuple[str, str, str], Draw]:
    """Where samples are drawn from, by population, task and score."""
    every = runs()
    scores = [name for name in [*METRICS, *OPTIONAL] if name in every]
    made: dict[tuple[str, str, str], Draw] = {("gaussian", "-", "normal"): gaussian}
    for score in scores:
        known = every[every[score].notna()]
        for task, part in known.groupby("task", sort=False):
            made[POOLED, str(task), score] = pooled(part[score].to_numpy(np.float64))
        rows = known.groupby(["suite", "task", "method", "hyperparameters"])[score]
        own = [row.to_numpy(np.float64) for _, row in rows if len(row) >= LEAST_ROW]
        if own:
            made["one row", "any", score] = one_row(own)
    return made


def main() -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(Coverage._fields)
    for row in simulate(populations()):
        shown = (f"{value:.4f}" for value in (row.shown, row.coverage))
        out.writerow([*row[:5], *shown])


if __name__ == "__main__":
    main()
