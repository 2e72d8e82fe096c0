"""How many seeds it takes to tell two rates apart: the exact power of Fisher's exact test."""

import functools
import math

import numpy as np
from scipy import stats

from ganbench.errors import BadInput

ALPHA = 0.05
TARGET = 0.8  # the power that experiments are usually planned for
MOST_SEEDS = 1000  # `seeds_needed` looks no further
LEAST_ALPHA = 1e-12  # the border is found by sums that hold some fifteen digits
LARGEST = 100_000  # `power` goes no further: a second of work, and far more than anybody trains

_TIE = 1 + 1e-9  # a p value that is alpha but for rounding is significant


@functools.cache
def least_significant(n: int, alpha: float = ALPHA) -> np.ndarray:
    """For each a of 0 to n the least b > a that is significantly more: (n + 1,), n + 1 if none is.

    Significant is a two-sided p of at most `alpha` of Fisher's exact test of a of n against b of n.
    With n on both sides, a given m = a + b is hypergeometric with one peak, at m / 2, and the same
    on both sides of it. So p = 2 P(A <= a | m), nothing else ties with it; it falls with b and
    grows with a, and one walk along the border finds the whole table at a few operations a step.
    """
    border = np.full(n + 1, n + 1)
    a = b = 0
    at, upto = 1.0, 1.0  # P(A = a | m) and P(A <= a | m)
    while True:
        m = a + b
        if b > a and 2 * upto <= alpha * _TIE:
            border[a] = b
            upto -= at * (n - a) / (2 * n - m)  # of m + 1, the last may be on the side of a
            at *= (n - a) * (m + 1) / ((a + 1) * (2 * n - m))
            a += 1
            upto += at
        elif b < n:
            upto -= at * (n - a) / (2 * n - m)
            at *= (n - b) * (m + 1) / ((b + 1) * (2 * n - m))
            b += 1
        else:
            return border


def power(rate_a: float, rate_b: float, n: int, alpha: float = ALPHA) -> float:
    """How likely Fisher's exact test is to tell two rates apart, with `n` seeds on either side.

    The sum over all pairs of outcomes (a of n, b of n) of their binomial probabilities, where the
    two-sided p is at most `alpha`: exact, not simulated. As n grows it rises in saw teeth: between
    two steps of the border more seeds have a little less power. With equal rates it is the
    probability of a false alarm, which is below alpha.

    Of rows trained by one suite this is a little too low: the same replicate of two rows sees the
    same data and noise, and what they share makes their difference surer than that of independent
    rows (`docs/statistics.md` has how much).

    Args:
        rate_a: a probability, as is `rate_b`.
        n: seeds a side, 1 to 100,000.
        alpha: from 1e-12 and below 1.

    Raises:
        BadInput: an argument is out of its range.

    Reference: Fisher, "The Design of Experiments", 1935, for the test.
    """
    _check(rate_a, rate_b, alpha)
    if not 1 <= n <= LARGEST:
        raise BadInput(f"--seeds: {n} must be 1 to {LARGEST:,}")
    return _power(rate_a, rate_b, n, alpha)


def _power(rate_a: float, rate_b: float, n: int, alpha: float) -> float:
    border, k = least_significant(n, alpha), np.arange(n + 1)
    a, b = (stats.binom.pmf(k, n, rate) for rate in (rate_a, rate_b))
    a_from, b_from = (stats.binom.sf(border - 1, n, rate) for rate in (rate_a, rate_b))
    return float(min(a @ b_from + b @ a_from, 1.0))


@functools.cache
def seeds_needed(
    rate_a: float, rate_b: float, alpha: float = ALPHA, target: float = TARGET
) -> int | None:
    """The smallest n from which on `power` stays at `target` or above; None beyond 1,000 seeds.

    "Stays", since power rises in saw teeth: the first n that reaches the target is often followed
    by some that fall below it again. Teeth get smaller as 1 / sqrt(n), so once power is far enough
    above the target it does not fall back; from there the search goes down one by one.

    Raises:
        BadInput: equal rates, which no number of seeds tells apart; or as `power`.
    """
    _check(rate_a, rate_b, alpha)
    if rate_a == rate_b:
        raise BadInput(f"--rate-b: {rate_b:g} equals --rate-a; no number of seeds separates them")
    n = _clear(rate_a, rate_b, alpha, target)
    while n and _power(rate_a, rate_b, n, alpha) >= target:
        n -= 1
    return n + 1 if n < MOST_SEEDS else None


def _clear(rate_a: float, rate_b: float, alpha: float, target: float) -> int:
    """An n at which power is so far above `target` that it stays there; 1,000 if none is."""
    angle = abs(math.asin(math.sqrt(rate_a)) - math.asin(math.sqrt(rate_b)))
    z = stats.norm.isf(alpha / 2) + stats.norm.ppf(target)
    if angle < z / math.sqrt(2 * MOST_SEEDS):
        return MOST_SEEDS
    n = math.ceil(z**2 / (2 * angle**2))  # what the arcsine approximation needs: a little few
    while n < MOST_SEEDS:
        # teeth found between rates of 0 to 1 reached 0.3 / sqrt(n) above the target, at n > 4
        margin = min(0.5 / math.sqrt(n), (1 - target) / 2)
        if _power(rate_a, rate_b, n, alpha) >= target + margin:
            return n
        n = math.ceil(1.02 * n)
    return MOST_SEEDS


def separable(n: int, pairs: int = 1, alpha: float = ALPHA) -> bool:
    """Whether n of n against 0 of n, the clearest result there is, is significant.

    Args:
        n: seeds a side.
        pairs: how many pairs are tested, with Holm's adjustment: the smallest p counts that often.
    """
    return 2 * pairs / math.comb(2 * n, n) <= alpha * _TIE


def least_separable(pairs: int = 1, alpha: float = ALPHA) -> int:
    """The smallest number of seeds a side that is `separable`."""
    n = 1
    while not separable(n, pairs, alpha):
        n += 1
    return n


def _check(rate_a: float, rate_b: float, alpha: float) -> None:
    for flag, rate in (("--rate-a", rate_a), ("--rate-b", rate_b)):
        if not 0 <= rate <= 1:
            raise BadInput(f"{flag}: {rate:g} must be a rate, 0 to 1")
    check_alpha(alpha)


def check_alpha(alpha: float) -> None:
    """Raises BadInput for a level at which no test can be held."""
    if not LEAST_ALPHA <= alpha < 1:
        raise BadInput(f"--alpha: {alpha:g} must be at least {LEAST_ALPHA:g} and below 1")
