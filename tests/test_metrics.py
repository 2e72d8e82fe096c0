"""Metrics against closed forms and against what a perfect sampler reaches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import logsumexp
from scipy.linalg import sqrtm
from scipy.special import rel_entr

from ganbench.metrics.catalogue import METRICS
from ganbench.metrics.evidence import Evidence, Reference, Tally, evidence, tally
from ganbench.tasks.base import Verdict

MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
RNG = np.random.default_rng
TALLIES = jax.jit(jax.vmap(tally, in_axes=(0, 0, None)))  # of several batches


def score(name, seen, reference):
    return METRICS[name].score(seen, reference)


def of_probabilities(p, features=None):
    """The evidence of (n, K) p(mode | x), all accepted, in float64 throughout."""
    n, modes = p.shape
    features = np.zeros((n, 1)) if features is None else features
    counts = np.bincount(p.argmax(1), minlength=modes).astype(float)
    mean, entropy = p.mean(0), -(p * np.log(np.where(p > 0, p, 1))).sum(1).mean()
    cov = np.atleast_2d(np.cov(features.T))
    return Evidence(n, counts, counts, n, mean, entropy, mean, entropy, features.mean(0), cov)


def of_counts(counts):
    """The evidence of samples without doubt about their mode."""
    n = counts.sum()
    zero = np.zeros(1)
    return Evidence(n, counts, counts, n, counts / n, 0.0, counts / n, 0.0, zero, np.zeros((1, 1)))


def of_features(x):
    return of_probabilities(np.ones((len(x), 1)), x)


def reference(p, width=1):
    return Reference(np.asarray(p, float), np.zeros(width), np.eye(width))


def uniform(modes):
    return reference(np.full(modes, 1 / modes))


def mixture_verdict(centres, sigma):
    """The exact posterior of an equal mixture of Gaussians in 2-D, with a 3 sigma gate."""

    def judge(x):
        squares = ((x[:, None] - centres) ** 2).sum(-1) / sigma**2
        log_p = -squares / 2 - logsumexp(-squares / 2, axis=1, keepdims=True)
        return Verdict(log_p, squares.min(1) < 9, x)

    return judge


def collect(verdict, keep=None, batch=100):
    """Evidence of a verdict of n samples, tallied on the device in batches."""
    n, width = verdict.features.shape
    keep = jnp.ones(n, bool) if keep is None else keep
    parts = jax.tree.map(lambda x: x.reshape(-1, batch, *x.shape[1:]), (verdict, keep))
    centre = jnp.zeros(width)
    return evidence(TALLIES(*parts, centre), np.zeros(width))


RING = 2 * np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], 1)


def ring_samples(n, seed):
    rng = RNG(seed)
    return RING[rng.integers(8, size=n)] + 0.02 * rng.normal(size=(n, 2))


def random_verdict(n, modes, width, seed=0):
    rng = RNG(seed)
    log_p = np.asarray(jax.nn.log_softmax(3 * rng.normal(size=(n, modes)), axis=1))
    features = rng.normal(size=(n, width)) + 1
    arrays = (log_p, rng.random(n) < 0.6, features)
    return Verdict(*(jnp.asarray(a, a.dtype if a.dtype == bool else jnp.float32) for a in arrays))


def test_tally_agrees_with_float64():
    verdict = random_verdict(1000, 7, 3)
    seen = collect(verdict)
    p = np.exp(np.asarray(verdict.log_p, float))
    mode, entropy = p.argmax(1), -(p * np.asarray(verdict.log_p, float)).sum(1)
    features, accepted = np.asarray(verdict.features, float), np.asarray(verdict.accepted)
    assert (seen.n, seen.accepted) == (1000, accepted.sum())
    np.testing.assert_array_equal(seen.counts, np.bincount(mode[accepted], minlength=7))
    np.testing.assert_array_equal(seen.counts_any, np.bincount(mode, minlength=7))
    np.testing.assert_allclose(seen.p, p.mean(0), rtol=1e-6)
    np.testing.assert_allclose(seen.entropy, entropy.mean(), rtol=1e-6)
    np.testing.assert_allclose(seen.p_hq, p[accepted].mean(0), rtol=1e-6)
    np.testing.assert_allclose(seen.entropy_hq, entropy[accepted].mean(), rtol=1e-6)
    np.testing.assert_allclose(seen.feature_mean, features.mean(0), rtol=1e-6)
    np.testing.assert_allclose(seen.feature_cov, np.cov(features.T), rtol=1e-5, atol=1e-6)


def test_tally_dtypes_and_vmap():
    verdict = random_verdict(128, 1000, 4)
    keep, centre = jnp.ones(64, bool), jnp.zeros(4)
    lanes = jax.tree.map(lambda x: x.reshape(2, 64, *x.shape[1:]), verdict)
    both = jax.jit(jax.vmap(tally, in_axes=(0, None, None)))(lanes, keep, centre)
    alone = jax.jit(tally)(jax.tree.map(lambda x: x[1], lanes), keep, centre)
    for together, one in zip(both, alone, strict=True):
        np.testing.assert_allclose(together[1], one, rtol=1e-5, atol=1e-5)
    whole = {"n", "counts", "counts_any", "accepted"}
    assert {n for n in Tally._fields if getattr(alone, n).dtype == jnp.int32} == whole


def test_trimmed_samples_change_nothing():
    verdict = random_verdict(500, 5, 2)
    nan = jnp.full((250, 5), jnp.nan), jnp.ones(250, bool), jnp.full((250, 2), jnp.inf)
    padded = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), verdict, Verdict(*nan))
    trimmed = collect(padded, jnp.arange(750) < 500, batch=250)
    for one, other in zip(trimmed, collect(verdict, batch=250), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("where", ["log_p", "features"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_unreadable_samples_count_and_are_in_no_mode(where, value):
    verdict = random_verdict(500, 5, 2)
    verdict = verdict._replace(accepted=jnp.ones(500, bool))
    broken = verdict._replace(**{where: getattr(verdict, where).at[:100].set(value)})
    seen, rest = collect(broken), collect(jax.tree.map(lambda x: x[100:], verdict))
    assert (seen.n, seen.accepted, seen.counts_any.sum()) == (500, 400, 400)
    np.testing.assert_array_equal(seen.counts, rest.counts)
    np.testing.assert_allclose(seen.p_hq, rest.p_hq, rtol=1e-6)
    assert all(np.isnan(x).all() for x in (seen.p, seen.entropy, *seen[-2:]))
    truth = reference(np.full(5, 0.2), width=2)
    scores = {name: metric.score(seen, truth) for name, metric in METRICS.items()}
    null = {name for name, value in scores.items() if np.isnan(value)}
    assert null == {"inception_score", "mode_score", "am_score", "fid"}
    assert scores["high_quality"] == 0.8


def test_certainty_that_underflows_has_no_entropy():
    log_p = jnp.array([[0.0, -jnp.inf], [-1e4, 0.0]] * 5)
    seen = collect(Verdict(log_p, jnp.ones(10, bool), jnp.zeros((10, 1))), batch=10)
    assert seen.entropy == 0
    np.testing.assert_array_equal(seen.p, [0.5, 0.5])


def test_features_beyond_float32_make_fid_null():
    verdict = random_verdict(10, 2, 2)
    verdict = verdict._replace(features=jnp.full((10, 2), 1e30))
    assert np.isnan(score("fid", collect(verdict, batch=10), reference([0.5, 0.5], 2)))


def test_no_accepted_sample():
    verdict = random_verdict(100, 4, 2)._replace(accepted=jnp.zeros(100, bool))
    seen = collect(verdict)
    truth = reference(np.full(4, 0.25), 2)
    assert score("modes", seen, truth) == score("modes_any", seen, truth) == 0
    assert score("high_quality", seen, truth) == 0
    null = {name for name, metric in METRICS.items() if np.isnan(metric.score(seen, truth))}
    assert null == {"reverse_kl", "inception_score_hq", "mode_score_hq", "am_score_hq"}


def test_a_mode_counts_from_a_tenth_of_its_mass_and_three_samples():
    truth = reference([0.5, 0.4, 0.05, 0.05])
    seen = of_counts(np.array([940.0, 39, 5, 16]))
    # n = 1000: thresholds 50, 40, 5, 5
    assert score("modes", seen, truth) == 3
    few = of_counts(np.array([10.0, 5, 3, 2]))  # n = 20: 3 each
    assert score("modes", few, truth) == 3
    assert score("modes_any", few, truth) == 4
    assert score("modes_any", of_counts(np.array([1.0, 0, 0, 1])), truth) == 2


def test_reverse_kl():
    truth = reference([0.5, 0.25, 0.25])
    np.testing.assert_allclose(
        score("reverse_kl", of_counts(np.array([5.0, 5, 0])), truth), 0.5 * np.log(2), rtol=1e-12
    )
    assert score("reverse_kl", of_counts(np.array([8.0, 4, 4])), truth) == 0
    assert score("reverse_kl", of_counts(np.array([1.0, 1])), reference([1.0, 0])) == np.inf


def test_inception_score_of_ignorance_and_of_certainty():
    blank, perfect = np.full((70, 7), 1 / 7), np.tile(np.eye(7), (10, 1))
    for name in ("inception_score", "inception_score_hq", "mode_score", "mode_score_hq"):
        np.testing.assert_allclose(score(name, of_probabilities(blank), uniform(7)), 1, rtol=1e-12)
        np.testing.assert_allclose(
            score(name, of_probabilities(perfect), uniform(7)), 7, rtol=1e-12
        )
    for name in ("am_score", "am_score_hq"):
        assert abs(score(name, of_probabilities(perfect), uniform(7))) < 1e-12


def test_mode_score_is_not_the_printed_one():
    """The printed variant (a) is the Inception Score; ours is that times exp(-KL(p_g || p*))."""
    p = RNG(1).dirichlet(np.full(6, 0.3), size=400)
    truth = RNG(2).dirichlet(np.ones(6))
    marginal, seen = p.mean(0), of_probabilities(p)
    imbalance = (marginal * np.log(marginal / truth)).sum()
    printed = np.exp(rel_entr(p, truth).sum(1).mean() - imbalance)
    inception = score("inception_score", seen, reference(truth))
    assert abs(inception - printed) < 1e-12
    mine = score("mode_score", seen, reference(truth))
    direct = np.exp(rel_entr(p, marginal).sum(1).mean() - imbalance)
    assert abs(mine - inception * np.exp(-imbalance)) < 1e-12
    assert abs(mine - direct) < 1e-12
    assert imbalance > 0.01


def test_am_score():
    p = np.array([[0.9, 0.1], [0.4, 0.6]])
    entropy = -(p * np.log(p)).sum(1).mean()
    gap = 0.7 * np.log(0.7 / 0.65) + 0.3 * np.log(0.3 / 0.35)
    truth = reference([0.7, 0.3])
    np.testing.assert_allclose(score("am_score", of_probabilities(p), truth), gap + entropy)
    missing = of_probabilities(np.array([[1.0, 0, 0], [0, 1.0, 0]]))
    assert score("am_score", missing, uniform(3)) == np.inf
    absent = reference([0.5, 0.5, 0])  # a class that the truth lacks costs nothing: 0 log 0 = 0
    assert score("am_score", missing, absent) == 0


def test_scores_of_accepted_samples_leave_the_others_out():
    verdict = random_verdict(600, 5, 1)
    order = np.argsort(~np.asarray(verdict.accepted))
    kept = jax.tree.map(lambda x: x[order][: int(verdict.accepted.sum())], verdict)
    good, everything = collect(kept, batch=len(kept.accepted)), collect(verdict)
    for name in ("inception_score", "mode_score", "am_score"):
        alone = score(name, good, uniform(5))
        np.testing.assert_allclose(score(f"{name}_hq", everything, uniform(5)), alone, rtol=1e-5)
        assert abs(score(name, everything, uniform(5)) / alone - 1) > 1e-4


def test_inception_score_of_few_samples_is_too_low():
    rng = RNG(0)

    def mean(n, repeats):
        draws = [of_probabilities(rng.dirichlet(np.full(5, 0.3), n)) for _ in range(repeats)]
        return np.mean([score("inception_score", seen, uniform(5)) for seen in draws])

    assert mean(50, 200) < mean(500, 100) - 0.01 < mean(20000, 5)


@pytest.mark.parametrize("commuting", [True, False])
def test_fid_between_gaussians(commuting):
    rng = RNG(3)
    a, b = (x @ x.T + 0.1 * np.eye(5) for x in rng.normal(size=(2, 5, 5)))
    if commuting:
        values, vectors = np.linalg.eigh(a)
        other = rng.uniform(0.5, 2, size=5)
        b = (vectors * other) @ vectors.T
        cross = 2 * np.sqrt(values * other).sum()
    else:
        cross = 2 * np.trace(sqrtm(a @ b).real)
    means = rng.normal(size=(2, 5))
    seen = of_features(rng.normal(size=(10, 5)))._replace(feature_mean=means[0], feature_cov=a)
    expected = ((means[0] - means[1]) ** 2).sum() + np.trace(a) + np.trace(b) - cross
    truth = Reference(np.ones(1), means[1], b)
    np.testing.assert_allclose(score("fid", seen, truth), expected, rtol=1e-10)
    itself = Reference(np.ones(1), means[0], a)
    assert abs(score("fid", seen, itself)) < 1e-10


def test_fid_of_singular_covariances_is_not_null():
    x = RNG(4).normal(size=(20, 3)) @ RNG(5).normal(size=(3, 10))
    seen = of_features(x)
    truth = Reference(np.ones(1), seen.feature_mean + 1, seen.feature_cov)
    np.testing.assert_allclose(score("fid", seen, truth), 10, atol=1e-5)


@pytest.mark.parametrize(("n", "floor", "tolerance"), [(1000, 1.11, 0.03), (5000, 0.234, 0.009)])
def test_fid_floor(n, floor, tolerance):
    """Two samples of one 64-d Gaussian do not score 0; the tolerances are 3 standard errors."""
    rng = RNG(6)
    far = of_features(rng.normal(size=(100_000, 64)))
    truth = Reference(np.ones(1), far.feature_mean, far.feature_cov)
    scores = [score("fid", of_features(rng.normal(size=(n, 64))), truth) for _ in range(8)]
    assert abs(np.mean(scores) - floor) < tolerance


def test_perfect_ring_floors():
    n = 100_000
    samples = jnp.asarray(ring_samples(n, 0), jnp.float32)
    seen = collect(jax.jit(mixture_verdict(RING, 0.02))(samples), batch=1000)
    good = score("high_quality", seen, uniform(8))
    assert abs(good - (1 - np.exp(-4.5))) < 4 * np.sqrt(0.98889 * 0.01111 / n)
    assert score("modes", seen, uniform(8)) == 8
    np.testing.assert_allclose(score("inception_score", seen, uniform(8)), 8, rtol=1e-3)


@pytest.mark.parametrize(("modes", "floor"), [(8, 0.0014), (25, 0.0048)])
def test_reverse_kl_floor(modes, floor):
    draws = RNG(7).multinomial(2500, np.full(modes, 1 / modes), size=1000).astype(float)
    mean = np.mean([score("reverse_kl", of_counts(c), uniform(modes)) for c in draws])
    expected = (modes - 1) / 5000
    assert abs(expected - floor) < 5e-5
    assert abs(mean - expected) < 0.06 * expected


@pytest.mark.parametrize(
    ("n", "modes", "to_uniform", "to_true"),
    [
        (2_500, 915, 0.226, 0.222),
        (10_000, 999.9, 0.055, 0.051),
        (25_600, 1000, 0.0242, 0.0199),
        (26_000, 1000, 0.0235, 0.019),
        (50_000, 1000, 0.0142, 0.0100),
        (100_000, 1000, 0.0094, 0.0050),
    ],
)
def test_perfect_stacked_mnist_floors(n, modes, to_uniform, to_true):
    """A sampler of true stacks of three digits, with MNIST's label frequencies."""
    digit = np.array(MNIST_TRAIN) / sum(MNIST_TRAIN)
    p = np.einsum("i,j,k->ijk", digit, digit, digit).ravel()
    draws = [of_counts(c.astype(float)) for c in RNG(8).multinomial(n, p, size=40)]
    mean = {
        "modes": np.mean([score("modes_any", seen, reference(p)) for seen in draws]),
        "uniform": np.mean([score("reverse_kl", seen, uniform(1000)) for seen in draws]),
        "true": np.mean([score("reverse_kl", seen, reference(p)) for seen in draws]),
    }
    # the table is itself a simulation, printed to three or four digits
    assert abs(mean["modes"] - modes) < 2.5
    assert abs(mean["uniform"] - to_uniform) < 0.0007 + 0.005 * to_uniform
    assert abs(mean["true"] - to_true) < 0.0007 + 0.005 * to_true


def test_mnist_imbalance():
    digit = np.array(MNIST_TRAIN) / sum(MNIST_TRAIN)
    np.testing.assert_allclose(rel_entr(digit, 0.1).sum(), 0.00143, atol=5e-6)
