"""Exact tests of whether two rows succeed equally often."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganbench.power import ALPHA, least_separable
from ganbench.statistics import fisher


class Tested(NamedTuple):
    """A two-sided test of two rows."""

    paired: bool
    rise: float  # above 0 if the second succeeds more often, below if less
    p: float
    least: float  # the p of the clearest result that there is at this n

    def needed(self, tests: int, alpha: float = ALPHA) -> int:
        """The least n a row at which one of `tests` can be significant, by Holm's adjustment."""
        return least_pairs(tests, alpha) if self.paired else least_separable(tests, alpha)


def unpaired(a: tuple[int, int], b: tuple[int, int]) -> Tested:
    """Fisher's exact test of two (successes, n)."""
    rise = b[0] / b[1] - a[0] / a[1]
    return Tested(False, rise, fisher(a, b), fisher((a[1], a[1]), (0, b[1])))


def paired(differences: Sequence[int]) -> Tested:
    """The sign-flip test of the differences of pairs, at least one.

    Formula: p = P(|sum of s_i d_i| >= |sum of d_i|), the signs s_i -1 or 1, each as likely:
        were the rows alike, either of a pair could have been the other. For differences of two
        outcomes, -1, 0 or 1, this is McNemar's exact test.

    Reference: Fisher, "The Design of Experiments", 1935; McNemar, "Note on the sampling error of
    the difference between correlated proportions or percentages", Psychometrika 1947.
    """
    sizes = [abs(int(d)) for d in differences if d]
    chances, reach = np.ones(1), sum(sizes)
    for size in sizes:  # chances[i]: that the sum so far is 2 i - (the sizes so far)
        none = np.zeros(size)
        chances = np.concatenate([chances, none]) / 2 + np.concatenate([none, chances]) / 2
    sums = 2 * np.arange(reach + 1) - reach
    p = float(chances[np.abs(sums) >= abs(sum(differences))].sum())
    return Tested(True, sum(differences), min(p, 1.0), 2.0 ** (1 - len(differences)))


def shuffled(a: Sequence[int], b: Sequence[int]) -> Tested:
    """The permutation test of the means of two samples of whole numbers, none negative.

    Formula: p = P(|mean of A - mean of B| >= that seen), A and B any len(a) of all values and the
        rest, each choice as likely. For zeros and ones, and as many a side, this is Fisher's test.

    Reference: Fisher, "The Design of Experiments", 1935.
    """
    values, n = [*a, *b], len(a)
    chances = np.zeros((n + 1, sum(values) + 1))  # that A has so many so far, with such a sum
    chances[0, 0] = 1.0
    for i, value in enumerate(values):
        chosen = chances * ((n - np.arange(n + 1)) / (len(values) - i)).clip(0, 1)[:, None]
        chances -= chosen
        chances[1:, value:] += chosen[:-1, : chances.shape[1] - value]
    sums = np.arange(chances.shape[1])
    apart = np.abs(sums * len(values) - n * sum(values))  # n (N - n) times the means' difference
    p = chances[n, apart >= abs(sum(a) * len(values) - n * sum(values))].sum()
    ends = 2 if len(a) == len(b) else 1
    rise = sum(b) / len(b) - sum(a) / n
    return Tested(False, rise, float(p), min(ends / math.comb(len(values), n), 1.0))


def least_pairs(tests: int = 1, alpha: float = ALPHA) -> int:
    """The least number of pairs at which one of `tests` can be significant."""
    return math.ceil(1 + math.log2(tests / alpha) - 1e-9)
