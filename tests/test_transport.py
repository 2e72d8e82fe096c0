"""Sliced Wasserstein distance: closed forms, and couplings by other means."""

import numpy as np
import pytest
from evidenced import RNG
from sampled import reason, samples, scored, truth
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from ganbench.metrics.transport import DIRECTIONS, SEED, _squared


def directions(width):
    made = np.random.RandomState(SEED).standard_normal((width, DIRECTIONS))
    return made / np.linalg.norm(made, axis=0)


@pytest.mark.parametrize("shift", [0.0, 0.7, -3.0])
def test_in_one_dimension_it_is_the_shift(shift):
    x = RNG(0).normal(size=(200, 1))
    score = scored("sliced_wasserstein", truth(x), samples(RNG(1).permutation(x) + shift))
    np.testing.assert_allclose(score.value, abs(shift), rtol=1e-12, atol=1e-15)
    assert score[1:] == (200, 200, "128 directions")


def test_of_a_shift_it_is_the_mean_projection():
    x, shift = RNG(2).normal(size=(100, 5)), np.array([1.0, 0, -2, 0, 0.5])
    score = scored("sliced_wasserstein", truth(x), samples(x + shift))
    np.testing.assert_allclose(
        score.value, np.sqrt(((shift @ directions(5)) ** 2).mean()), rtol=1e-12
    )
    # over all directions it is |shift| / sqrt(width)
    assert abs(score.value / (np.linalg.norm(shift) / np.sqrt(5)) - 1) < 0.2


def test_of_a_scaling_it_is_the_difference_of_widths():
    """W2 of x and a x is |a - 1| rms(x), along every direction."""
    x = RNG(3).normal(size=(300, 2))
    rms = np.sqrt(((x @ directions(2)) ** 2).mean())
    score = scored("sliced_wasserstein", truth(x), samples(1.5 * x)).value
    np.testing.assert_allclose(score, 0.5 * rms, rtol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(30, 30), (12, 18), (35, 7), (9, 16), (1, 11)])
def test_quantiles_couple_as_the_cheapest_assignment_does(n, m):
    """Every sample as often as makes both sides equal in number, then any assignment may win."""
    rng = RNG(4)
    x, y = rng.normal(size=n), rng.normal(size=m) + 0.3
    times = np.lcm(n, m)
    many_x, many_y = np.repeat(x, times // n), np.repeat(y, times // m)
    cost = (many_x[:, None] - many_y) ** 2
    best = cost[linear_sum_assignment(cost)].mean()
    made = _squared(np.sort(x)[:, None], np.sort(y)[:, None])
    np.testing.assert_allclose(made, [best], rtol=1e-10)
    score = scored("sliced_wasserstein", truth(y[:, None]), samples(x[:, None])).value
    np.testing.assert_allclose(score, np.sqrt(best), rtol=1e-10)
    assert score >= wasserstein_distance(x, y) - 1e-12  # W2 >= W1, with weights as scipy's


def test_where_one_sample_is_above_the_other_the_mean_gap_is_scipys():
    """Then sum share (x - y) is W1, for the shares that `_squared` uses."""
    x, y = RNG(5).uniform(size=13), RNG(6).uniform(size=8) + 2
    low, high = np.sort(x)[:, None], np.sort(y)[:, None]
    # |a - b|^2 - |a - b - 1|^2 = 2 (a - b) - 1
    gap = (_squared(high, low) - _squared(high - 1, low) + 1) / 2
    np.testing.assert_allclose(gap, [wasserstein_distance(x, y)], rtol=1e-12)


def test_flat_images_and_two_draws_of_one_distribution():
    rng = RNG(7)
    values = [
        scored(
            "sliced_wasserstein",
            truth(rng.normal(size=(n, 4, 4, 1))),
            samples(rng.normal(size=(n, 4, 4, 1))),
        ).value
        for n in (100, 400, 1600)
    ]
    # of the order of n^(-1/2)
    assert 1.5 < values[0] / values[1] < 2.6 and 1.5 < values[1] / values[2] < 2.6


def test_none():
    some, none = np.zeros((3, 2)), np.zeros((0, 2))
    assert (
        reason("sliced_wasserstein", truth(some), samples(none)) == "0 samples, at least 1 needed"
    )
    assert (
        reason("sliced_wasserstein", truth(none), samples(some)) == "0 samples, at least 1 needed"
    )
