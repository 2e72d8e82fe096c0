"""Intervals and tests, as SciPy has them, with the project's edge cases."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

NULL = float("nan")
LEAST_RUNS = 3  # two runs have an interval of one degree of freedom, 13 times their spread
RESAMPLES = 1999  # so that the quantiles at 2.5 and 97.5 % are the 50th and the 1,950th
_NO_SPREAD = 1e-12  # in units of a sample's spread: none, but for rounding

Ends = tuple[np.ndarray, np.ndarray]


class Interval(NamedTuple):
    """A mean with its confidence interval, and how many values it is made of."""

    mean: float
    low: float
    high: float
    n: int


@functools.cache
def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval (low, high) of `successes` out of `n`; null if n is 0.

    Reference: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the
    case of the binomial", Biometrika 1934.
    """
    if n == 0:
        return NULL, NULL
    found = stats.binomtest(int(successes), int(n)).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)


def share_interval(share: ArrayLike, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The ends of a 95 % interval of the mean of `n` independent values in [0, 1], elementwise.

    Clopper and Pearson's, at `n` times `share` successes, which need not be whole: values between 0
    and 1 of the same mean spread less than zeros and ones do, so that it holds them more often.
    """
    hits = n * np.asarray(share, np.float64)
    low = stats.beta.ppf(0.025, hits, n - hits + 1)
    high = stats.beta.ppf(0.975, hits + 1, n - hits)
    return np.where(hits > 0, low, 0.0), np.where(hits < n, high, 1.0)


def t_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean and Student's t interval of the mean.

    nan (null) values are no part of mean and n. An infinite value makes the mean infinite and the
    interval null; so the interval is null with fewer than 3 values, or if all are equal.
    """
    return _interval(values, t_ends, level)


def bootstrap_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean and studentized bootstrap interval of the mean; null where `t_interval` is.

    It is null, too, where an end is infinite: a sample of few distinct values, of which too many
    resamples hold one value alone.
    """
    return _interval(values, bootstrap_ends, level)


def mean_alone(values: ArrayLike) -> Interval:
    """The mean with no interval."""
    return _interval(values, _no_ends, 0.95)


def t_ends(samples: np.ndarray, level: float = 0.95) -> Ends:
    """Student's t interval of the mean of each column; its ends are equal if the values are.

    Args:
        samples: (n, columns), finite, n at least 2.
    """
    n = len(samples)
    half = stats.t.ppf((1 + level) / 2, n - 1) * samples.std(0, ddof=1) / np.sqrt(n)
    mean = samples.mean(0)
    return mean - half, mean + half


def bootstrap_ends(samples: np.ndarray, level: float = 0.95) -> Ends:
    """The studentized bootstrap (bootstrap-t) interval of the mean of each column.

    Formula: low = mean - q(1 - a) s / sqrt(n), high = mean - q(a) s / sqrt(n), a = (1 - level) / 2,
    q the quantiles of t* = (mean* - mean) / (s* / sqrt(n)) over 1,999 resamples of n values. The
    resamples are the same for every sample of n values, whose order does not count. One without
    spread (s* = 0) has t* infinite with the sign of mean* - mean, or 0: it says that the spread may
    be any times what was seen. Where such resamples fill a tail, that end is infinite.

    Args:
        samples: (n, columns), finite, n at least 2, no column of equal values.

    Reference: Efron, "Nonparametric standard errors and confidence intervals", Canadian Journal of
    Statistics 1981, section 10; Davison and Hinkley, "Bootstrap Methods and their Application",
    1997, section 5.2, for the quantiles as order statistics.
    """
    n = len(samples)
    mean, error = samples.mean(0), samples.std(0, ddof=1) / np.sqrt(n)
    scaled = np.sort((samples - mean) / (error * np.sqrt(n)), axis=0)
    counts = _resamples(n)
    centre = counts @ scaled / n
    variance = (counts @ scaled**2 / n - centre**2) / (n - 1)
    variance[variance < _NO_SPREAD] = 0
    centre[np.abs(centre) < _NO_SPREAD] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(centre / np.sqrt(variance), nan=0, posinf=np.inf, neginf=-np.inf)
    last = round((1 + level) / 2 * (RESAMPLES + 1)) - 1
    t.partition((RESAMPLES - 1 - last, last), axis=0)
    return mean - t[last] * error, mean - t[RESAMPLES - 1 - last] * error


@functools.cache
def _resamples(n: int) -> np.ndarray:
    """(1,999, n) how often each value of a sample is in each resample."""
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return counts.astype(np.float64)


def _no_ends(samples: np.ndarray, level: float) -> Ends:
    none = np.full(samples.shape[1], NULL)
    return none, none


def _interval(
    values: ArrayLike, ends: Callable[[np.ndarray, float], Ends], level: float
) -> Interval:
    values = np.asarray(values, np.float64)
    known = values[~np.isnan(values)]
    n = len(known)
    if n == 0:
        return Interval(NULL, NULL, NULL, 0)
    with np.errstate(invalid="ignore"):  # inf - inf: null
        mean = float(known.mean())
    if n < LEAST_RUNS or not np.isfinite(known).all() or np.ptp(known) == 0:
        return Interval(mean, NULL, NULL, n)
    (low,), (high,) = ends(known[:, None], level)
    if not np.isfinite([low, high]).all():
        return Interval(mean, NULL, NULL, n)
    return Interval(mean, float(low), float(high), n)


def difference(
    a: tuple[float, float, float], b: tuple[float, float, float]
) -> tuple[float, float, float]:
    """b - a, with its interval, of two independent estimates (value, low, high); null if any is.

    Formula: low = b - a - sqrt((b - b_low)^2 + (a_high - a)^2), high = b - a + sqrt((b_high - b)^2
        + (a - a_low)^2): what either interval leaves on the side that counts, added as variances
        are. Of rates this is Newcombe's way, but with exact intervals, and so holds more often.

    Reference: Zou and Donner, "Construction of confidence intervals about effect measures: a
    general approach", Statistics in Medicine 2008; Newcombe, "Interval estimation for the
    difference between independent proportions", Statistics in Medicine 1998.
    """
    (x, x_low, x_high), (y, y_low, y_high) = a, b
    return (
        y - x,
        y - x - float(np.hypot(y - y_low, x_high - x)),
        y - x + float(np.hypot(y_high - y, x - x_low)),
    )


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
