"""Metrics against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evidenced import (
    RNG,
    collect,
    joint,
    of_counts,
    of_features,
    of_probabilities,
    reference,
    score,
    uniform,
)
from scipy.linalg import sqrtm
from scipy.special import rel_entr

from ganbench.metrics.catalogue import METRICS
from ganbench.metrics.evidence import Reference, Tally, tally
from ganbench.tasks.base import Verdict


def random_verdict(n, answers, width, seed=0, factors=1):
    rng = RNG(seed)
    log_p = np.asarray(jax.nn.log_softmax(3 * rng.normal(size=(n, factors, answers)), axis=-1))
    features = rng.normal(size=(n, width)) + 1
    arrays = (log_p, rng.random(n) < 0.6, features)
    return Verdict(*(jnp.asarray(a, a.dtype if a.dtype == bool else jnp.float32) for a in arrays))


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_tally_agrees_with_float64(factors):
    verdict = random_verdict(1000, 7, 3, factors=factors)
    seen = collect(verdict)
    with jax.enable_x64(True):
        log_p = np.asarray(joint(jnp.asarray(np.asarray(verdict.log_p, float))))
    p = np.exp(log_p)
    assert p.shape == (1000, 7**factors)
    mode, entropy = p.argmax(1), -(p * log_p).sum(1)
    features, accepted = np.asarray(verdict.features, float), np.asarray(verdict.accepted)
    assert (seen.n, seen.accepted) == (1000, accepted.sum())
    modes = 7**factors
    np.testing.assert_array_equal(seen.counts, np.bincount(mode[accepted], minlength=modes))
    np.testing.assert_array_equal(seen.counts_any, np.bincount(mode, minlength=modes))
    np.testing.assert_allclose(seen.p, p.mean(0), rtol=1e-6)
    np.testing.assert_allclose(seen.entropy, entropy.mean(), rtol=1e-6)
    np.testing.assert_allclose(seen.p_hq, p[accepted].mean(0), rtol=1e-6)
    np.testing.assert_allclose(seen.entropy_hq, entropy[accepted].mean(), rtol=1e-6)
    np.testing.assert_allclose(seen.feature_mean, features.mean(0), rtol=1e-6)
    np.testing.assert_allclose(seen.feature_cov, np.cov(features.T), rtol=1e-5, atol=1e-6)


def test_tally_dtypes_and_vmap():
    verdict = random_verdict(128, 10, 4, factors=3)
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
    nan = jnp.full((250, 1, 5), jnp.nan), jnp.ones(250, bool), jnp.full((250, 2), jnp.inf)
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
    scores = {name: score(name, seen, truth) for name in METRICS}
    null = {name for name, value in scores.items() if np.isnan(value)}
    assert null == {"inception_score", "mode_score", "am_score", "fid"}
    assert scores["high_quality"] == 0.8


def test_certainty_that_underflows_has_no_entropy():
    log_p = jnp.array([[0.0, -jnp.inf], [-1e4, 0.0]] * 5)
    seen = collect(Verdict(log_p[:, None], jnp.ones(10, bool), jnp.zeros((10, 1))), batch=10)
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
    null = {name for name in METRICS if np.isnan(score(name, seen, truth))}
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
