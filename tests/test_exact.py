"""Exact tests of rates, held against SciPy's and against counting by hand."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from ganbench.exact import least_pairs, paired, shuffled, unpaired


def test_pairs_of_outcomes_are_mcnemars_test():
    """b pairs rise, c fall: p is a fair coin's, of b heads in b + c throws, two-sided."""
    for rise, fall, same in ((7, 1, 8), (0, 5, 3), (3, 3, 0), (1, 0, 9)):
        found = paired([1] * rise + [-1] * fall + [0] * same)
        assert found.p == pytest.approx(stats.binomtest(rise, rise + fall, 0.5).pvalue)
        assert np.sign(found.rise) == np.sign(rise - fall)


def test_pairs_of_counts_are_all_flips_of_signs():
    differences = [3, -1, 2, 0, 2]
    sums = [sum(s * d for s, d in zip(flips, differences, strict=True)) for flips in SIGNS]
    assert paired(differences).p == pytest.approx(np.mean(np.abs(sums) >= 6))


SIGNS = list(product((-1, 1), repeat=5))


def test_where_no_pair_differs_nothing_is_told():
    assert paired([0] * 8).p == 1.0


def test_two_samples_of_counts_are_all_ways_to_share_them_out():
    a, b = [0, 1, 4], [2, 4, 5, 3]
    values = [*a, *b]
    means = [
        np.mean(np.delete(values, own)) - np.mean(np.take(values, own))
        for own in map(list, combinations(range(7), 3))
    ]
    seen = np.mean(b) - np.mean(a)
    found = shuffled(a, b)
    assert found.p == pytest.approx(np.mean(np.abs(means) >= seen - 1e-12))
    assert found.rise == pytest.approx(seen)


@pytest.mark.parametrize("a, b", [((9, 10), (3, 10)), ((5, 8), (2, 8)), ((0, 6), (6, 6))])
def test_of_zeros_and_ones_it_is_fishers_test(a, b):
    def values(k, n):
        return [1] * k + [0] * (n - k)

    assert shuffled(values(*a), values(*b)).p == pytest.approx(unpaired(a, b).p)


def test_least_is_the_least_that_comes_out():
    """Over all results at n = 5 (and 4 against 5)."""
    for n, m in ((5, 5), (4, 5)):
        results = [unpaired((i, n), (j, m)) for i in range(n + 1) for j in range(m + 1)]
        assert min(test.p for test in results) == pytest.approx(results[0].least)
    flips = [paired(d) for d in product((-1, 0, 1), repeat=5)]
    assert min(test.p for test in flips) == flips[0].least == 2 / 2**5
    shared = [shuffled(a, b) for a in product((0, 1), repeat=4) for b in product((0, 1), repeat=4)]
    assert min(test.p for test in shared) == pytest.approx(shared[0].least)
    uneven = [shuffled(a, b) for a in product((0, 1), repeat=3) for b in product((0, 1), repeat=4)]
    assert min(test.p for test in uneven) == pytest.approx(uneven[0].least)


def test_the_n_that_is_needed_is_where_the_least_p_becomes_significant():
    for tests in (1, 7, 24):
        n = least_pairs(tests)
        assert paired([1] * n).least * tests <= 0.05 < paired([1] * (n - 1)).least * tests
        n = unpaired((0, 4), (0, 4)).needed(tests)
        assert unpaired((0, n), (n, n)).p * tests <= 0.05
        assert unpaired((0, n - 1), (n - 1, n - 1)).p * tests > 0.05
    assert least_pairs(1, 2**-5) == 6  # at alpha itself


def test_as_many_shapes_as_one_likes_have_a_p():
    """Counts of ways to share them out would be beyond any float."""
    assert shuffled([1] * 520, [1] * 520).p == pytest.approx(1)
    assert shuffled([1] * 520, [0] * 520).p < 1e-100
