"""The modified Inception score, against sums over every sample and mode."""

import math

import numpy as np
import pytest
from evidenced import RNG, joint
from sampled import samples, scored, truth
from scipy.special import log_softmax

TRUTH = truth(np.zeros((1, 1)))


def modified(log_p):
    blank = samples(np.zeros((len(log_p), 1)))
    return scored("modified_inception_score", TRUTH, blank._replace(log_p=np.asarray(log_p)))


def by_hand(p):
    marginal = p.mean(0)
    divergences = [
        sum(m * math.log(m / a) for m, a in zip(marginal, q, strict=True) if m > 0) for q in p
    ]
    return sum(d * d for d in divergences) / len(divergences)


@pytest.mark.parametrize(("factors", "answers"), [(1, 6), (2, 4), (3, 3)])
def test_the_mean_of_squared_divergences(factors, answers):
    log_p = log_softmax(3 * RNG(0).normal(size=(205, factors, answers)), axis=-1)
    made = modified(log_p)
    np.testing.assert_allclose(made.value, by_hand(np.exp(joint(log_p))), rtol=1e-10)
    assert made.n == 205


def test_ignorance_and_collapse_are_worth_nothing():
    assert modified(np.full((100, 1, 7), -math.log(7))).value == pytest.approx(0, abs=1e-20)
    sure = np.log(np.array([0.9, 0.05, 0.05]))
    assert modified(np.tile(sure, (50, 1, 1))).value == pytest.approx(0, abs=1e-20)


def test_a_mode_that_nobody_has_costs_nothing_and_one_that_others_have_is_infinite():
    with np.errstate(divide="ignore"):
        two = np.log(np.array([[[0.5, 0.5, 0.0]], [[0.25, 0.75, 0.0]]]))
        apart = np.log(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]))
    np.testing.assert_allclose(modified(two).value, by_hand(np.exp(two[:, 0])), rtol=1e-12)
    assert modified(apart).value == math.inf


def test_sure_and_spread_over_two_modes():
    """Half of the samples say (1 - e, e), half the reverse: each is log(1 / (4 e (1 - e))) / 2."""
    e = 1e-3
    p = np.log(np.array([[[1 - e, e]], [[e, 1 - e]]]))
    assert modified(p).value == pytest.approx((math.log(1 / (4 * e * (1 - e))) / 2) ** 2)
