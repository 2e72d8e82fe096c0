"""Scores of single samples: kernel distance, log density, memorization; and what all share."""

import numpy as np
import pytest
from evidenced import RNG, uniform
from sampled import reason, samples, scored, truth
from scipy.stats import mannwhitneyu, multivariate_normal
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from ganbench.metrics.catalogue import OPTIONAL, OPTIONAL_SUMS
from ganbench.metrics.memorization import _nearest
from ganbench.metrics.sample import Truth, readable
from ganbench.metrics.score import Undefined


@pytest.mark.parametrize(("n", "m", "width"), [(40, 40, 3), (25, 60, 10)])
def test_kid_as_scikit_learns_polynomial_kernel(n, m, width):
    rng = RNG(0)
    x, y = rng.normal(size=(n, width)) + 0.3, rng.normal(size=(m, width))

    def mean(a, b, own=False):
        kernel = polynomial_kernel(a, b, degree=3, gamma=1 / width, coef0=1)
        return kernel[~np.eye(len(a), dtype=bool)].mean() if own else kernel.mean()

    expected = mean(x, x, own=True) + mean(y, y, own=True) - 2 * mean(x, y)
    score = scored("kid", truth(y), samples(x))
    np.testing.assert_allclose(score.value, expected, rtol=1e-10)
    assert score[1:3] == (n, m)


def test_kid_of_two_halves_averages_zero_and_takes_both_signs():
    sample, values = RNG(1).normal(size=(200, 4)), []
    for seed in range(200):
        mixed = RNG(seed).permutation(sample)
        values.append(scored("kid", truth(mixed[:100]), samples(mixed[100:])).value)
    values = np.array(values)
    assert (values > 0).mean() > 0.2 and (values < 0).mean() > 0.2
    # halves of one finite sample repel each other a little: -2 / (n - 1) of the kernel's spread
    assert abs(values.mean()) < 0.3 * values.std()
    apart = RNG(2).normal(size=(400, 2, 60, 4))
    fresh = [scored("kid", truth(a), samples(b)).value for a, b in apart]
    assert abs(np.mean(fresh)) < 3 * np.std(fresh) / np.sqrt(len(fresh))


def test_log_density_is_the_truths_own():
    x, law = RNG(3).normal(size=(500, 2)), multivariate_normal([0, 0], np.eye(2))
    known = truth(x, log_density=law.logpdf)
    score = scored("log_density", known, samples(x))
    np.testing.assert_allclose(score.value, law.logpdf(x).mean(), rtol=1e-12)
    assert (score.n, score.n_reference) == (500, 0)
    # a perfect sampler has minus the entropy, samples at the centre one nat more: d / 2
    error = 1 / np.sqrt(500)
    assert abs(score.value + law.entropy()) < 3 * error
    centre = scored("log_density", known, samples(np.zeros((5, 2)))).value
    np.testing.assert_allclose(centre + law.entropy(), 1, rtol=1e-12)
    assert reason("log_density", truth(x), samples(x)) == "the data's density is not known"


@pytest.mark.parametrize("n", [80, 200])
def test_memorization_is_mann_whitneys_statistic(n):
    rng = RNG(4)
    train, held, made = (rng.normal(size=(size, 3)) for size in (300, 150, n))
    made[:40] = train[:40]  # ties at distance 0
    held[:5] = train[:5]
    nearest = NearestNeighbors(n_neighbors=1, algorithm="kd_tree").fit(train)
    theirs, ours = nearest.kneighbors(held)[0].ravel(), nearest.kneighbors(made)[0].ravel()
    # U of the first sample counts the pairs in which it is the larger, ties for a half
    expected = mannwhitneyu(theirs, ours).statistic / (n * 150)
    by_pairs = (ours[:, None] < theirs).mean() + (ours[:, None] == theirs).mean() / 2
    score = scored("memorization", truth(held, train), samples(made))
    np.testing.assert_allclose(score.value, expected, rtol=1e-12)
    np.testing.assert_allclose(score.value, by_pairs, rtol=1e-12)
    assert score[1:] == (n, 150, "300 training samples")


def test_memorization_of_copies_of_fresh_data_and_of_noise():
    rng = RNG(5)
    train, held, fresh = rng.normal(size=(3, 400, 5))
    known = truth(held, train)
    assert scored("memorization", known, samples(train[:100])).value == 1
    assert scored("memorization", known, samples(train + 1e-6)).value == 1
    # sd of U / (n m) is sqrt((n + m + 1) / (12 n m)) = 0.02
    assert abs(scored("memorization", known, samples(fresh)).value - 0.5) < 0.06
    assert scored("memorization", known, samples(fresh + 50)).value == 0
    # every held-out sample a copy too: copies are then nothing special
    assert scored("memorization", truth(train, train), samples(train)).value == 0.5


def test_the_nearest_is_exact_and_taken_in_turns(monkeypatch):
    rng = RNG(6)
    train = 1e3 + rng.normal(size=(200, 30))  # a product of these is 3e7, where squares cancel
    x = np.concatenate([train[:50], train[:50] + 0.1 * rng.normal(size=(50, 30))])
    direct = np.sqrt(((x[:, None] - train) ** 2).sum(2)).min(1)
    np.testing.assert_allclose(_nearest(x, train), direct, rtol=1e-12)
    assert (_nearest(x, train)[:50] == 0).all()
    monkeypatch.setattr("ganbench.metrics.memorization.AT_ONCE", 7 * 200)
    np.testing.assert_allclose(_nearest(x, train), direct, rtol=1e-12)


def test_memorization_needs_a_set_that_can_be_learnt_by_heart():
    x = np.zeros((5, 2))
    said = reason("memorization", truth(x, fixed=False), samples(x))
    assert said == "training data are drawn anew, there is nothing to learn by heart"
    assert reason("memorization", truth(x), samples(x[:0])) == "0 samples, at least 1 needed"


def digits_like(n, seed):
    """(n, 8, 8, 1) images of five modes, the first `seed` the same, and a judge's opinion."""
    rng = RNG(seed)
    centres = RNG(99).uniform(-1, 1, size=(5, 8, 8, 1))
    mode = rng.integers(5, size=n)
    mode[:seed] = 0
    x = np.clip(centres[mode] + 0.2 * rng.normal(size=(n, 8, 8, 1)), -1, 1)
    x[:seed] = x[0]
    p = 0.9 * np.eye(5)[mode] + 0.02
    return samples(x, features=x.reshape(n, -1)[:, :10], p=p)


def five_modes(seed=0):
    train, held = digits_like(400, seed), digits_like(200, seed + 1)
    return Truth(uniform(5), lambda: train, held, True, lambda x: -(x**2).sum(1))


@pytest.mark.parametrize("name", [name for name in OPTIONAL if name not in OPTIONAL_SUMS])
def test_a_score_is_the_same_each_time_and_leaves_its_input_alone(name):
    known, sample = five_modes(), digits_like(150, 7)
    before = [part.copy() for part in sample[:5]]
    fitted = OPTIONAL[name].fit(known)
    first, other, second = fitted(sample), fitted(digits_like(150, 8)), fitted(sample)
    assert first == second == OPTIONAL[name].fit(five_modes())(sample)
    assert first.value != other.value or name == "ndb"
    assert np.isfinite(first.value) and first.n == 150
    for part, kept in zip(sample[:5], before, strict=True):
        np.testing.assert_array_equal(part, kept)


# shuffles and draws pairs by place: another order is another draw
BY_PLACE = {"inception_score_split", "inception_score_split_sd", "ms_ssim"}


@pytest.mark.parametrize("name", sorted(set(OPTIONAL) - set(OPTIONAL_SUMS) - BY_PLACE))
def test_the_order_of_samples_does_not_matter(name):
    known, sample = five_modes(), digits_like(150, 7)
    order = RNG(8).permutation(150)
    mixed = sample._replace(**{f: getattr(sample, f)[order] for f in sample._fields[:5]})
    np.testing.assert_allclose(
        scored(name, known, mixed).value, scored(name, known, sample).value, rtol=1e-10
    )


def test_readable_asks_for_numbers_that_the_judge_can_read():
    sample = digits_like(20, 9)
    assert readable(sample, 20) is sample
    for field in ("x", "features", "log_p"):
        broken = getattr(sample, field).copy()
        broken[[2, 5]] = np.nan
        with pytest.raises(Undefined, match="^2 of 20 samples are not finite$"):
            readable(sample._replace(**{field: broken}), 1)
