"""How far the values of some rows rise from row to row, without a scale: Cliff's delta."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

Z = 1.959964  # of a 95 % interval
NONE = 1e-12  # a spread that is none, but for rounding


class Effect(NamedTuple):
    """Delta with its 95 % interval, the least number of values that a row has, its variance."""

    delta: float
    low: float
    high: float
    n: int
    variance: float


def rise(rows: Sequence[np.ndarray]) -> Effect:
    """How far rows of values rise in their order.

    Formula:
        delta = mean over pairs of rows a before b of P(y > x) - P(y < x), x of a, y of b; from -1
        to 1, 0 where order tells nothing. For two rows it is Cliff's delta, 2 AUC - 1; for 0 and 1
        the difference of two rates; for more rows the effect behind Jonckheere's trend test. Its
        variance s^2 is the sum over rows of var(h) / n, with h(x) what delta owes to the value x
        (DeLong et al.). The interval, unequal about delta, is
        (delta - delta^3 -+ z s sqrt((1 - delta^2)^2 + z^2 s^2)) / (1 - delta^2 + z^2 s^2);
        where the rows lie all apart it ends at (n - z^2) / (n + z^2), n the least number. A row
        whose values are all owed the same has the variance that Laplace's rule leaves it.

    Args:
        rows: at least two, of at least two values each, none nan; infinite ones are in order too.

    References: Cliff, "Dominance statistics", Psychological Bulletin 1993; Feng and Cliff, "Monte
    Carlo evaluation of ordinal d with improved confidence interval", JMASM 2004; DeLong, DeLong,
    Clarke-Pearson, "Comparing the areas under two or more correlated ROC curves", Biometrics 1988.
    """
    owed = [np.zeros(len(x)) for x in rows]
    pairs = list(combinations(range(len(rows)), 2))
    delta = 0.0
    for a, b in pairs:
        above = (rows[b][None, :] > rows[a][:, None]).astype(float)
        signs = above - (rows[b][None, :] < rows[a][:, None])
        delta += signs.mean() / len(pairs)
        owed[a] += signs.mean(1) / len(pairs)
        owed[b] += signs.mean(0) / len(pairs)
    return interval(delta, sum(map(_variance, owed)), min(map(len, rows)))


def _variance(owed: np.ndarray) -> float:
    """Of the mean of what a row's values are owed.

    Equal ones do not show that there are no others: by Laplace's rule the next differs with
    probability 1 / (n + 2), by as much as a sign can.
    """
    n = len(owed)
    seen, unseen = float(owed.var(ddof=1)), (n + 1) / (n + 2) ** 2
    return (seen if seen > NONE else unseen) / n


def interval(delta: float, variance: float, n: int) -> Effect:
    """Delta with the interval that `rise` describes."""
    if 1 - abs(delta) < 1e-9:
        end = (n - Z**2) / (n + Z**2)
        low, high = min(end, delta), max(-end, delta)
    else:
        spread = Z * math.sqrt(variance * ((1 - delta**2) ** 2 + Z**2 * variance))
        scale = 1 - delta**2 + Z**2 * variance
        low, high = ((delta - delta**3 + end) / scale for end in (-spread, spread))
    return Effect(delta, max(low, -1.0), min(high, 1.0), n, variance)


def with_runs(effect: Effect, n: int) -> Effect:
    """The effect with `n` values a row, were what was seen the truth."""
    return interval(effect.delta, effect.variance * effect.n / n, n)
