"""How far one row's values lie above another's, without a scale: Cliff's delta."""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy import stats

Z = 1.959964  # of a 95 % interval
NONE = 1e-12  # a spread that is none, but for rounding
_LIKELY = stats.norm.ppf((np.arange(100) + 0.5) / 100)


class Effect(NamedTuple):
    """Delta with its 95 % interval."""

    delta: float
    low: float
    high: float
    n: int  # of the values, or shapes, that count
    variance: float
    shaped: bool  # whether `n` counts shapes


def rise(
    before: np.ndarray, after: np.ndarray, shapes: tuple[np.ndarray, np.ndarray] | None = None
) -> Effect:
    """How far `after` lies above `before`.

    Formula:
        delta = P(y > x) - P(y < x), x of `before`, y of `after`: Cliff's delta, 2 AUC - 1, from -1
        to 1; for 0 and 1 the difference of two rates. Its variance s^2 is the sum over both of
        var(h) / n, with h(x) what delta owes to the value x (DeLong et al.). The interval, unequal
        about delta, is
        (delta - delta^3 -+ z s sqrt((1 - delta^2)^2 + z^2 s^2)) / (1 - delta^2 + z^2 s^2);
        where all lie apart it ends at (n - z^2) / (n + z^2), n the least number of values. Where
        all are owed the same the variance is what Laplace's rule leaves it. z is the normal
        quantile, 1.96; over shapes, of which there may be few, Student's of n - 1 degrees.

    Args:
        before, after: at least two values each, none nan; infinite ones are in order too.
        shapes: what each value belongs to, if values of one shape are no evidence apart: h is
            summed over a shape, of both at once, and n is the number of shapes.

    References: Cliff, "Dominance statistics", Psychological Bulletin 1993; Feng and Cliff, "Monte
    Carlo evaluation of ordinal d with improved confidence interval", JMASM 2004; DeLong, DeLong,
    Clarke-Pearson, "Comparing the areas under two or more correlated ROC curves", Biometrics 1988.
    """
    above = (after[None, :] > before[:, None]).astype(float)
    signs = above - (after[None, :] < before[:, None])
    owed = [signs.mean(1), signs.mean(0)]
    n = min(len(before), len(after))
    if shapes is not None:
        labels = np.unique(np.concatenate(shapes))
        n = len(labels)
        shares = [
            np.array([h[own == label].sum() / len(h) for label in labels])
            for h, own in zip(owed, shapes, strict=True)
        ]
        owed = [n * sum(shares)]
    return interval(float(signs.mean()), sum(map(_variance, owed)), n, shapes is not None)


def _variance(owed: np.ndarray) -> float:
    """Of the mean of what values are owed.

    Equal ones do not show that there are no others: by Laplace's rule the next differs with
    probability 1 / (n + 2), by as much as it can.
    """
    n = len(owed)
    seen, step = float(owed.var(ddof=1)), 1 + abs(float(owed[0]))
    return (seen if seen > NONE else step**2 * (n + 1) / (n + 2) ** 2) / n


def interval(delta: float, variance: float, n: int, shaped: bool) -> Effect:
    """Delta with the interval that `rise` describes."""
    z = _student(n) if shaped else Z
    if 1 - abs(delta) < 1e-9:
        end = (n - z**2) / (n + z**2)
        low, high = min(end, delta), max(-end, delta)
    else:
        spread = z * math.sqrt(variance * ((1 - delta**2) ** 2 + z**2 * variance))
        scale = 1 - delta**2 + z**2 * variance
        low, high = ((delta - delta**3 + end) / scale for end in (-spread, spread))
    return Effect(delta, max(low, -1.0), min(high, 1.0), n, variance, shaped)


@functools.cache
def _student(n: int) -> float:
    return float(stats.t.ppf(0.975, n - 1))


def expected(effect: Effect, n: int) -> list[Effect]:
    """Equally likely effects of `n` values a row drawn anew, were what was seen the truth."""
    variance = effect.variance * effect.n / n
    deltas = np.clip(effect.delta + math.sqrt(variance) * _LIKELY, -1.0, 1.0)
    return [interval(float(delta), variance, n, effect.shaped) for delta in deltas]
