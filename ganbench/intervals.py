"""Which interval a score's mean shows: its measured coverage decides, never the sample itself."""

import csv
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ganbench.statistics import Interval, bootstrap_interval, mean_alone, t_interval

SIZES = (4, 8, 12, 16, 32, 64)  # numbers of values at which coverage is measured
# of an interval that claims 95 %: 90, and three standard errors of the measurement, 0.003 each
LEAST_COVERAGE = 0.91
LEAST_SHOWN = 0.5  # of samples with an interval: what few show says which samples these are
MEASURED = Path(__file__).with_name("coverage.csv")  # made by benchmarks/coverage.py
POOLED = "pooled"  # the population that decides: all runs of a task in the reference suites

#: In the order in which they are tried.
KINDS: dict[str, Callable[[ArrayLike], Interval]] = {
    "t": t_interval,
    "bootstrap": bootstrap_interval,
}


Covered = Mapping[tuple[str, int, str], float]  # by score, size and kind


class Coverage(NamedTuple):
    """How often an interval of a kind held the mean of a population, over simulated boards."""

    population: str
    task: str
    score: str
    n: int  # values a mean is made of
    kind: str
    shown: float  # share of the samples that have such an interval
    coverage: float  # share of these that hold the mean; nan if none was shown


@functools.cache
def measured() -> tuple[Coverage, ...]:
    """The coverage that comes with the package."""
    with MEASURED.open() as file:
        return tuple(
            Coverage(
                row["population"],
                row["task"],
                row["score"],
                int(row["n"]),
                row["kind"],
                float(row["shown"]),
                float(row["coverage"]),
            )
            for row in csv.DictReader(file)
        )


def least(rows: Iterable[Coverage]) -> Covered:
    """The coverage on the task where it is least; 0 where a kind is shown by under half."""
    made: dict[tuple[str, int, str], float] = {}
    for row in rows:
        if row.population == POOLED:
            at = (row.score, row.n, row.kind)
            own = row.coverage if row.shown >= LEAST_SHOWN else 0.0
            made[at] = min(own, made.get(at, 1.0))
    return made


@functools.cache
def shipped(task: str | None = None) -> Covered:
    """`least` of what comes with the package; that of `task` itself for scores measured on it."""
    return {**least(measured()), **least(row for row in measured() if row.task == task)}


def _size(n: int) -> int:
    """The largest size measured that is no larger than `n`; 0 if there is none."""
    return max((size for size in SIZES if size <= n), default=0)


def kind(score: str, n: int, covered: Covered | None = None) -> str | None:
    """The kind of interval that the mean of `n` values of a score shows; None for no interval.

    The first of `KINDS` that covers enough at the largest size measured that is no larger than `n`
    and at every size above: on the mean's own task where the score was measured there, else on
    every task. A score whose coverage has not been measured has none, and so has a mean of fewer
    values than were measured.

    Args:
        covered: what is known of coverage; `shipped()` if not given.
    """
    known = shipped() if covered is None else covered
    size = _size(n)
    from_here = [s for s in SIZES if s >= size > 0]

    def holds(own: str) -> bool:
        return all(known.get((score, s, own), 0.0) >= LEAST_COVERAGE for s in from_here)

    return next((k for k in KINDS if from_here and holds(k)), None)


def described(score: str, n: int, task: str | None = None) -> str:
    """What the mean of `n` values of a score shows, and how often that holds the pools' means.

    As in "t, holds 92 %", "none: t holds 73 %, bootstrap holds 85 %" and "none: not
    measured": cut to whole per cent; on the task, or where it is least if not measured there.
    """
    covered, size = shipped(task), _size(n)
    held = {k: covered.get((score, size, k)) for k in KINDS}
    told = [f"{k} holds {math.floor(100 * c)} %" for k, c in held.items() if c is not None]
    chosen = kind(score, n, covered)
    if chosen is None:
        return f"none: {', '.join(told) or 'not measured'}"
    return told[list(KINDS).index(chosen)].replace(" holds", ", holds")


def interval(score: str, values: ArrayLike, task: str | None = None) -> Interval:
    """The mean of a score's values, with the interval that `kind` says; nan values do not count."""
    values = np.asarray(values, np.float64)
    chosen = kind(score, int((~np.isnan(values)).sum()), shipped(task))
    return mean_alone(values) if chosen is None else KINDS[chosen](values)
