"""Bins that differ: against scikit-learn's k-means and the z test by hand, and at their floors."""

import numpy as np
import pytest
from evidenced import RNG
from sampled import reason, samples, scored, truth
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency
from sklearn.cluster import KMeans

from ganbench.metrics.bins import SEED, differing, jensen_shannon


def two_proportions_differ(a, n, b, m):
    """Pearson's chi-square of the 2 x 2 table is the pooled z, squared; 0 / 0 does not differ."""
    if a + b in (0, n + m):
        return False
    table = [[a, n - a], [b, m - b]]
    return chi2_contingency(table, correction=False).pvalue < 0.05


@pytest.mark.parametrize(("n", "m", "bins"), [(400, 2000, 100), (900, 350, 35)])
def test_as_kmeans_and_two_proportions_by_hand(n, m, bins):
    rng = RNG(0)
    train = rng.normal(size=(m, 4))
    made = rng.normal(size=(n, 4)) * 0.9 + 0.2
    cells = KMeans(bins, n_init=1, random_state=SEED).fit(train)
    near = ((made[:, None] - cells.cluster_centers_) ** 2).sum(2).argmin(1)
    here, there = (np.bincount(x, minlength=bins) for x in (near, cells.labels_))
    differ = [two_proportions_differ(a, n, b, m) for a, b in zip(here, there, strict=True)]
    assert 0.05 < np.mean(differ) < 0.9
    # held-out data play no part
    held = truth(rng.normal(size=(50, 4)), train)
    score = scored("ndb", held, samples(made))
    assert score == (np.mean(differ), n, m, f"K = {bins} bins")
    js = scored("ndb_js", held, samples(made))
    np.testing.assert_allclose(js.value, jensenshannon(here / n, there / m) ** 2, rtol=1e-12)
    assert js[1:] == score[1:]


def test_the_error_is_that_of_the_pooled_proportion():
    """Where n and m are far apart, pooled and unpooled errors disagree."""
    n, m, ones = 40, 1000, 5
    p = (ones + 50) / (n + m)
    z = (ones / n - 0.05) / np.sqrt(p * (1 - p) * (1 / n + 1 / m))
    unpooled = (ones / n - 0.05) / np.sqrt(ones / n * (1 - ones / n) / n + 0.05 * 0.95 / m)
    assert z > 1.96 > unpooled
    train = np.repeat([[0.0], [1.0]], [950, 50], axis=0)
    made = samples(np.repeat([[0.0], [1.0]], [n - ones, ones], axis=0))
    assert scored("ndb", truth(train), made).value == 1
    level = samples(np.repeat([[0.0], [1.0]], [38, 2], axis=0))
    assert scored("ndb", truth(train), level).value == 0
    assert scored("ndb_js", truth(train), level).value == 0


def test_empty_bins_do_not_differ():
    assert differing(np.array([5, 5, 0]), np.array([500, 0, 0])).tolist() == [True, True, False]
    assert differing(np.array([5, 0]), np.array([500, 0])).tolist() == [False, False]
    js = jensen_shannon(np.array([5, 5, 0]), np.array([500, 0, 0]))
    np.testing.assert_allclose(js, jensenshannon([0.5, 0.5, 0], [1, 0, 0]) ** 2)
    assert jensen_shannon(np.array([3, 0]), np.array([0, 9])) == np.log(2)


def test_extremes():
    centres = np.arange(100.0)[:, None] * 10
    train = np.repeat(centres, 10, axis=0) + RNG(1).normal(size=(1000, 1)) * 0.1
    collapsed = samples(np.full((1000, 1), 500.0))
    # 99 bins lack ten of a thousand each (z = 3.2), one has all
    assert scored("ndb", truth(train), collapsed).value == 1
    js = scored("ndb_js", truth(train), collapsed).value
    np.testing.assert_allclose(js, jensenshannon(np.eye(100)[0], np.full(100, 0.01)) ** 2)
    # ten samples of one bin of hundred: 0 against 1 % does not differ
    few = scored("ndb", truth(train), samples(np.full((10, 1), 500.0))).value
    assert few == 0.01


def test_floors_of_the_statistics():
    """At n1 = 50,000, n2 = 10,000, K = 100: 4.93 +- 2.29 of 100 differ, and JS is 0.00148."""
    rng, repeats, bins = RNG(2), 1000, 100
    equal = np.full(bins, 1 / bins)
    pairs = [
        (rng.multinomial(50_000, equal), rng.multinomial(10_000, equal)) for _ in range(repeats)
    ]
    ndb = [differing(*pair).sum() for pair in pairs]
    assert abs(np.mean(ndb) - 4.93) < 4 * 2.29 / np.sqrt(repeats)
    assert abs(np.std(ndb) - 2.29) < 0.2
    floor = (bins - 1) / 8 * (1 / 50_000 + 1 / 10_000)
    assert abs(floor - 0.00148) < 1e-5
    js = [jensen_shannon(*pair) for pair in pairs]
    assert abs(np.mean(js) - floor) < 4 * np.std(js) / np.sqrt(repeats) < 0.02 * floor


def test_draws_from_a_fixed_training_set_differ_in_fewer():
    """Its own chance is on both sides: the test's error is then too large."""
    rng = RNG(5)
    train = rng.normal(size=(1300, 2))
    fixed = truth(train)
    values = [
        scored("ndb", fixed, samples(train[rng.integers(1300, size=2500)])).value for _ in range(10)
    ]
    assert np.mean(values) < 0.01


def test_floor_with_bins_of_kmeans():
    """A perfect sampler differs in alpha of the bins: not in none."""
    rng = RNG(3)
    values = []
    for _ in range(8):
        train, made = rng.normal(size=(2000, 2)), rng.normal(size=(2000, 2))
        values.append(scored("ndb", truth(train), samples(made)).value)
    assert abs(np.mean(values) - 0.05) < 0.025


def test_bins_are_as_many_as_the_training_data_allow():
    few = RNG(4).normal(size=(57, 2))
    assert scored("ndb", truth(few), samples(few)).note == "K = 5 bins"
    three = np.repeat(np.arange(3.0)[:, None], 100, axis=0)
    assert scored("ndb", truth(three), samples(three)).note == "K = 3 bins"
    for name in ("ndb", "ndb_js"):
        said = reason(name, truth(few[:19]), samples(few))
        assert said == "19 training samples, 19 of them different: no two bins"
        said = reason(name, truth(np.ones((50, 2))), samples(few))
        assert said == "50 training samples, 1 of them different: no two bins"


def test_data_that_differ_by_less_than_rounding_leave_bins_empty():
    """k-means takes the data's mean off first: 1 and 2 become one, beside 1e30."""
    train = np.repeat([[1e30], [1.0], [2.0]], 20, axis=0)
    assert scored("ndb", truth(train), samples(train)) == (0, 60, 60, "K = 3 bins")
    assert scored("ndb_js", truth(train), samples(train)).value == 0
