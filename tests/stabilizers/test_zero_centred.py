"""Gradient penalties with target zero, and how often they are taken."""

import jax.numpy as jnp
import numpy as np
import pytest
from small import (
    BATCH,
    KEY,
    T,
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
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.stabilizers.pacgan import pacgan
from ganbench.stabilizers.wgan import interpolated
from ganbench.stabilizers.zero_centred import r1, r1r2, r2, wgan_gp0

FACTORS = {r1: 0.5, r2: 0.5, r1r2: 1.0, wgan_gp0: 1.0}


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2)])
@pytest.mark.parametrize("modifier", FACTORS)
def test_penalty_of_a_linear_critic_is_its_squared_norm_over_all_pixels(modifier, shape):
    made = recipe(discriminator=linear_critic(), generator=constant(jnp.zeros(shape)))
    stack = compose(nonsaturating(), modifier(3.0))
    penalty, state = penalty_of(stack, made, data(shape))
    squared = float(jnp.sum(state.params["d"]["w"] ** 2))
    assert penalty == pytest.approx(FACTORS[modifier] * 3.0 * squared, rel=1e-5)


@pytest.mark.parametrize("modifier", FACTORS)
def test_penalty_is_taken_where_its_name_says(modifier):
    """d(x) = |x|^2 / 2 has slope x, so the penalty tells at which points it was taken."""
    made = recipe(discriminator=critic_of(lambda x: 0.5 * jnp.sum(x**2, axis=-1)))
    batches, stack = data(), compose(nonsaturating(), modifier(1.0))
    penalty, state = penalty_of(stack, made, batches)
    players = Players(stack(made).nets, state)
    real, fake = batches.real(KEY), generated(players, batches, KEY)
    square = [
        jnp.sum(x**2, axis=-1).mean() for x in (real, fake, interpolated(players, batches, KEY))
    ]
    expected = {r1: square[0] / 2, r2: square[1] / 2, r1r2: (square[0] + square[1]) / 2}
    assert penalty == pytest.approx(float(expected.get(modifier, square[2])), rel=1e-5)


def test_the_generator_gets_no_gradient_from_r2():
    made, batches = recipe(), data()
    plain, penalised = nonsaturating()(made), compose(nonsaturating(), r2())(made)
    state = start(plain, batches)
    a, b = (objective_of(m, batches)(state, KEY, T)[0]["g"] for m in (plain, penalised))
    assert float(a) == float(b)


@pytest.mark.parametrize("modifier", FACTORS)
def test_a_lazy_penalty_is_taken_rarely_and_counts_as_often_as_it_stands_for(modifier):
    made, batches = recipe(discriminator=linear_critic()), data()
    always, lazy = (compose(nonsaturating(), modifier(2.0, every=n))(made) for n in (1, 4))
    state = start(always, batches)
    penalties = [
        [
            float(objective_of(m, batches)(state, KEY, jnp.int32(t))[1]["d/penalty"])
            for t in range(5)
        ]
        for m in (always, lazy)
    ]
    np.testing.assert_allclose(penalties[1], [4 * penalties[0][0], 0, 0, 0, 4 * penalties[0][4]])


def test_a_pack_has_the_slope_of_all_its_samples():
    made = recipe(discriminator=linear_critic())
    penalty, state = penalty_of(compose(nonsaturating(), pacgan(3), r1(2.0)), made, data())
    assert state.params["d"]["w"].shape == (9,)  # three samples of three entries
    assert penalty == pytest.approx(float(jnp.sum(state.params["d"]["w"] ** 2)), rel=1e-5)
    assert BATCH % 3 != 0  # an incomplete pack is left out
