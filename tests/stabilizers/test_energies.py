"""Energies of experts and calibrated costs: low on data, and a generator kept diverse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import softplus
from small import (
    BATCH,
    KEY,
    close,
    data,
    losses_of,
    normal,
    recipe,
    slope_by_hand,
    slopes_of,
)

from ganbench.assembly import build
from ganbench.game import ProtocolError
from ganbench.parts import generated, judge_generated, judge_real
from ganbench.stabilizers.calibrated import egan_ent_nn, egan_ent_vi, towards_neighbours
from ganbench.stabilizers.vgan import diversity, vgan


def coin(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


def test_energy_is_the_sum_of_the_experts_entropies_and_bounded():
    losses, players, batches = losses_of(vgan(count=7))
    real, fake = judge_real(players, batches, KEY), judge_generated(players, batches, KEY)
    assert real.features.shape == (BATCH, 7)
    for judged in (real, fake):
        p = np.asarray(judged.features, np.float64)
        assert np.allclose(judged.score, coin(p).sum(1), atol=1e-4)
        assert 0 <= float(judged.score.min()) and float(judged.score.max()) <= 7 * np.log(2)
    spread = [coin(np.asarray(x.features, np.float64).mean(0)).sum() for x in (real, fake)]
    mean = [float(x.score.mean()) for x in (real, fake)]
    assert float(losses["d"]) == pytest.approx(mean[0] - mean[1] - spread[0], abs=1e-4)
    assert float(losses["g"]) == pytest.approx(mean[1] - spread[1], abs=1e-4)


def test_diversity_is_least_where_all_samples_get_one_sure_answer():
    same = jnp.tile(jnp.array([[1.0, 0.0, 1.0]]), (8, 1))
    half = jnp.concatenate([same, 1 - same])
    assert float(diversity(same)) == pytest.approx(0, abs=1e-4)
    assert float(diversity(half)) == pytest.approx(3 * np.log(2), abs=1e-4)
    assert bool(jnp.isfinite(jax.grad(diversity)(same)).all())


def test_direction_to_the_mean_of_the_nearest_neighbours():
    x = normal(8, 9, 2)
    made = towards_neighbours(x, 3)
    for i in range(9):
        apart = np.linalg.norm(x - x[i], axis=1)
        nearest = np.argsort(apart)[1:4]
        pull = np.asarray(x[nearest]).mean(0) - np.asarray(x[i])
        assert np.allclose(made[i], pull / np.linalg.norm(pull), atol=1e-5)
    images = towards_neighbours(x.reshape(9, 2, 1, 1), 3)
    assert jnp.allclose(images.reshape(9, 2), made)


def test_a_step_down_the_density_spreads_samples():
    _, players, batches = losses_of(egan_ent_nn(neighbours=3))
    x = generated(players, batches, KEY)
    pull = towards_neighbours(x, 3)

    def nearest(x):
        apart = jnp.linalg.norm(x[:, None] - x[None], axis=-1) + 1e9 * jnp.eye(len(x))
        return float(apart.min(1).mean())

    assert nearest(x - 0.1 * pull) > nearest(x)


def test_costs_are_low_on_data_and_the_entropy_is_the_generators():
    losses, players, batches = losses_of(egan_ent_nn(weight=0.7, neighbours=3, decay=0.2))
    real, fake = judge_real(players, batches, KEY), judge_generated(players, batches, KEY)
    cost = softplus(-fake.score).mean()
    kept = 0.2 * ((real.score**2).mean() + (fake.score**2).mean())
    assert jnp.allclose(losses["d"], softplus(-real.score).mean() - cost + kept, atol=1e-5)
    x = generated(players, batches, KEY)
    density = jnp.sum(towards_neighbours(x, 3) * x, axis=-1).mean()
    assert jnp.allclose(losses["g"], cost + 0.7 * density, atol=1e-5)


def test_the_direction_to_the_neighbours_is_a_constant_to_the_gradient():
    stack = egan_ent_nn(weight=0.7, neighbours=3)
    _, players, batches = losses_of(stack)
    u = towards_neighbours(generated(players, batches, KEY), 3)

    def loss(players, batches):
        x = generated(players, batches, KEY)
        cost = softplus(-players("d", x).score).mean()
        return cost + 0.7 * jnp.sum(u * x, axis=-1).mean()

    assert close(slopes_of(stack)["g"], slope_by_hand(stack, "g", loss))


def test_a_batch_without_enough_neighbours_is_refused():
    with pytest.raises(ProtocolError, match="16 neighbours need a larger batch than 16"):
        build(egan_ent_nn(neighbours=16)(recipe()), data())


def test_surprise_of_the_latents_given_the_samples():
    losses, players, batches = losses_of(egan_ent_vi(weight=0.7))
    fake = judge_generated(players, batches, KEY)
    mean, log_variance = players("e", generated(players, batches, KEY))
    z = np.asarray(batches.latent(KEY), np.float64)
    deviation = np.exp(0.5 * np.asarray(log_variance, np.float64))
    logs = -0.5 * ((z - mean) / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)
    surprise = float(-logs.sum(1).mean())
    assert float(losses["e"]) == pytest.approx(surprise, rel=1e-4)
    cost = float(softplus(-fake.score).mean())
    assert float(losses["g"]) == pytest.approx(cost + 0.7 * surprise, rel=1e-4)
