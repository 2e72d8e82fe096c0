"""Metrics against what a perfect sampler reaches with as many samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evidenced import RNG, collect, of_counts, of_features, reference, score, uniform
from jax.scipy.special import logsumexp
from scipy.special import rel_entr

from ganbench.metrics.evidence import Reference
from ganbench.tasks.base import Verdict

MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
RING = 2 * np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], 1)


def ring_samples(n, seed):
    rng = RNG(seed)
    return RING[rng.integers(8, size=n)] + 0.02 * rng.normal(size=(n, 2))


def mixture_verdict(centres, sigma):
    """The exact posterior of an equal mixture of Gaussians in 2-D, with a 3 sigma gate."""

    def judge(x):
        squares = ((x[:, None] - centres) ** 2).sum(-1) / sigma**2
        log_p = -squares / 2 - logsumexp(-squares / 2, axis=1, keepdims=True)
        return Verdict(log_p[:, None], squares.min(1) < 9, x)

    return judge


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
