"""The Inception score over ten parts of one sample."""

import numpy as np
import pytest
from evidenced import RNG, joint
from sampled import reason, samples, scored, truth
from scipy.special import log_softmax

from ganbench.metrics.splits import PARTS, SEED

TRUTH = truth(np.zeros((1, 1)))


def of_log_p(log_p):
    blank = samples(np.zeros((len(log_p), 1)))
    return blank._replace(log_p=np.asarray(log_p))


def by_hand(p):
    """exp of the mutual information, summed over every sample and mode."""
    marginal = p.mean(0)
    return np.exp(
        np.mean([sum(a * np.log(a / m) for a, m in zip(q, marginal, strict=True)) for q in p])
    )


@pytest.mark.parametrize(("factors", "answers"), [(1, 6), (2, 4), (3, 3)])
def test_mean_and_sd_over_ten_parts(factors, answers):
    log_p = log_softmax(3 * RNG(0).normal(size=(205, factors, answers)), axis=-1)
    p = np.exp(joint(log_p))
    assert p.shape == (205, answers**factors)
    order = np.random.RandomState(SEED).permutation(205)
    assert sorted(order) == list(range(205)) and PARTS == 10
    parts = np.split(order, [21, 42, 63, 84, 105, 125, 145, 165, 185])
    values = [by_hand(p[part]) for part in parts]
    mean = scored("inception_score_split", TRUTH, of_log_p(log_p))
    sd = scored("inception_score_split_sd", TRUTH, of_log_p(log_p))
    np.testing.assert_allclose(mean.value, np.mean(values), rtol=1e-12)
    np.testing.assert_allclose(sd.value, np.sqrt(np.var(values)), rtol=1e-10)
    assert mean.n == 205 and mean.note == "10 parts of 20"


def test_ignorance_and_certainty():
    blank = of_log_p(np.full((100, 1, 7), -np.log(7)))
    np.testing.assert_allclose(scored("inception_score_split", TRUTH, blank).value, 1, rtol=1e-12)
    assert scored("inception_score_split_sd", TRUTH, blank).value < 1e-12
    one = samples(np.zeros((100, 1)), p=np.tile(np.eye(7)[:1], (100, 1)))  # exact zeros
    assert scored("inception_score_split", TRUTH, one).value == 1
    assert scored("inception_score_split_sd", TRUTH, one).value == 0


def test_samples_in_the_order_of_their_classes_are_shuffled_first():
    """Ten parts of one class each would have an Inception score of 1."""
    ordered = samples(np.zeros((1000, 1)), p=np.repeat(np.eye(10), 100, axis=0))
    mean = scored("inception_score_split", TRUTH, ordered).value
    sd = scored("inception_score_split_sd", TRUTH, ordered).value
    assert 9.2 < mean < 9.8 and 0 < sd < 0.3


def test_few_samples_a_part_are_too_low():
    sure = np.eye(20)[RNG(1).integers(20, size=1000)]
    values = [
        scored("inception_score_split", TRUTH, samples(np.zeros((n, 1)), p=sure[:n])).value
        for n in (100, 300, 1000)
    ]
    assert values[0] < values[1] - 1 < values[2] - 2 < 18


def test_too_few():
    nine = samples(np.zeros((9, 1)))
    for name in ("inception_score_split", "inception_score_split_sd"):
        assert reason(name, TRUTH, nine) == "9 samples, at least 10 needed"
        assert np.isfinite(scored(name, TRUTH, samples(np.zeros((10, 1)))).value)
