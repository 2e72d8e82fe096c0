"""Intervals and tests, as SciPy has them, with the project's edge cases."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

NULL = float("nan")
LEAST_RUNS = 3  # two runs have an interval of one degree of freedom, 13 times their spread


class Interval(NamedTuple):
    """A mean with its confidence interval, and how many values it is made of."""

    mean: float
    low: float
    high: float
    n: int


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval (low, high) of `successes` out of `n`; null if n is 0.

    Reference: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the
    case of the binomial", Biometrika 1934.
    """
    if n == 0:
        return NULL, NULL
    found = stats.binomtest(int(successes), int(n)).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)


def t_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean and Student's t interval of the mean.

    nan (null) values are no part of mean and n. An infinite value makes the mean infinite and the
    interval null; so the interval is null with fewer than 3 values, or if all are equal.
    """
    values = np.asarray(values, np.float64)
    known = values[~np.isnan(values)]
    n = len(known)
    if n == 0:
        return Interval(NULL, NULL, NULL, 0)
    with np.errstate(invalid="ignore"):  # inf - inf: null
        mean = float(known.mean())
    if n < LEAST_RUNS or not np.isfinite(known).all() or np.ptp(known) == 0:
        return Interval(mean, NULL, NULL, n)
    low, high = stats.t.interval(level, n - 1, loc=mean, scale=stats.sem(known))
    return Interval(mean, float(low), float(high), n)


@functools.cache
def fisher(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Two-sided p of Fisher's exact test that two (successes, n) have the same rate."""
    table = [[successes, n - successes] for successes, n in (a, b)]
    return float(stats.fisher_exact(table).pvalue)


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's adjusted p values: those at most alpha are significant with family-wise error alpha.

    Reference: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 1979.
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values)
    scaled = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted
