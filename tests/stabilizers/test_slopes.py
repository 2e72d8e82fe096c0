"""DRAGAN and Roth: where the slope is taken, and what it is weighed by."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import sigmoid
from small import (
    BATCH,
    KEY,
    TRAINING,
    constant,
    critic_of,
    data,
    linear_critic,
    objective_of,
    penalty_of,
    recipe,
    start,
)

from ganbench.game import Players, compose
from ganbench.parts import generated
from ganbench.seeds import fold_name
from ganbench.stabilizers.dragan import dragan, perturbed
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.stabilizers.roth import roth


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2)])
def test_dragan_pulls_the_norm_over_all_pixels_to_one(shape):
    made = recipe(discriminator=linear_critic(), generator=constant(jnp.zeros(shape)))
    penalty, state = penalty_of(compose(nonsaturating(), dragan(10.0)), made, data(shape))
    norm = float(jnp.linalg.norm(state.params["d"]["w"].reshape(-1)))
    assert penalty == pytest.approx(10 * (norm - 1) ** 2, rel=1e-4)


def test_dragan_takes_the_slope_around_data():
    """d(x) = |x|^2 / 2 has slope |x|, which samples elsewhere would show."""
    half = critic_of(lambda x: 0.5 * jnp.sum(x**2, axis=-1))
    batches = data()
    for generated_at in (0.0, 50.0):
        made = recipe(discriminator=half, generator=constant(jnp.full((3,), generated_at)))
        penalty, _ = penalty_of(compose(nonsaturating(), dragan(10.0)), made, batches)
        x = perturbed(batches.real(KEY), fold_name(KEY, "perturbation"), 0.5)
        expected = 10 * jnp.mean((jnp.linalg.norm(x, axis=-1) - 1) ** 2)
        assert penalty == pytest.approx(float(expected), rel=1e-5)


def test_dragan_moves_each_real_sample_along_one_segment():
    x = jax.random.normal(KEY, (64, 4, 4, 2))
    moved = perturbed(x, KEY, 0.5) - x
    whole = perturbed(x, KEY, 1.0) - x
    assert jnp.allclose(whole, 2 * moved, atol=1e-5)
    assert float(moved.min()) >= 0  # one-sided
    assert float(moved.max()) <= 0.5 * float(x.std())
    # alpha is one number a sample: a sample's largest entry is alpha * 0.5 std * nearly 1
    largest = moved.reshape(64, -1).max(1) / (0.5 * float(x.std()))
    per_sample = moved.reshape(64, -1).mean(1) / (0.5 * float(x.std()))
    assert float(largest.max()) > 0.9
    assert np.corrcoef(largest, per_sample)[0, 1] > 0.9  # with an alpha a pixel it is near 0


def test_roth_weighs_slopes_by_how_unsure_the_discriminator_is():
    made, batches = recipe(discriminator=linear_critic()), data()
    stack = compose(nonsaturating(), roth(gamma=2.0, decay=1.0))(made)
    state = start(stack, batches)
    made_of = objective_of(stack, batches)(state, KEY, jnp.int32(0))[1]["d/penalty"]
    players, w = Players(stack.nets, state), state.params["d"]["w"]
    real, fake = batches.real(KEY) @ w, generated(players, batches, KEY) @ w
    unsure = jnp.mean((1 - sigmoid(real)) ** 2) + jnp.mean(sigmoid(fake) ** 2)
    assert np.isclose(float(made_of), float(unsure * jnp.sum(w**2)), rtol=1e-5)


def test_roths_slope_is_over_all_pixels_of_an_image():
    shape = (4, 4, 2)
    made = recipe(discriminator=linear_critic(), generator=constant(jnp.zeros(shape)))
    batches = data(shape)
    stack = compose(nonsaturating(), roth(gamma=2.0, decay=1.0))
    penalty, state = penalty_of(stack, made, batches)
    w = state.params["d"]["w"].reshape(-1)
    real = batches.real(KEY).reshape(BATCH, -1) @ w
    unsure = jnp.mean((1 - sigmoid(real)) ** 2) + 0.25  # samples of 0 have logit 0
    assert penalty == pytest.approx(float(unsure * jnp.sum(w**2)), rel=1e-5)


def test_roth_decays():
    made, batches = recipe(discriminator=linear_critic()), data()
    stack = compose(nonsaturating(), roth(gamma=2.0, decay=0.01, horizon=0.5))(made)
    state = start(stack, batches)
    at = [
        float(objective_of(stack, batches)(state, KEY, jnp.int32(t))[1]["d/penalty"])
        for t in (0, TRAINING // 4, TRAINING // 2)
    ]
    np.testing.assert_allclose(np.array(at) / at[0], [1, 0.1, 0.01], rtol=1e-4)
