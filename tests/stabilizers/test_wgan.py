"""Wasserstein critics: clipping, RMSProp, critic steps and the gradient penalty."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import (
    KEY,
    LATENT,
    T,
    at,
    constant,
    critic_of,
    data,
    direction_after,
    largest_difference,
    linear_critic,
    objective_of,
    penalty_of,
    phase_of,
    recipe,
    sgd,
    start,
)

from ganbench.assembly import build
from ganbench.game import Data
from ganbench.stabilizers.wgan import RMSPROP, wgan, wgan_gp


def test_clip_bound_holds_after_every_critic_step():
    batches, bound = data(), 0.01
    made = wgan(clip=bound, steps=5)(recipe(rate=0.05))
    assert made.schedule == (("d",),) * 5 + (("g",),)
    phase, state = phase_of(made, batches), start(made, batches)
    for i in range(5):
        state, _ = phase(state, ("d",), jax.random.fold_in(KEY, i), T)
        largest = max(float(jnp.abs(x).max()) for x in jax.tree.leaves(state.params["d"]))
        assert largest <= np.float32(bound)
    before = state.params["g"]
    state, _ = phase(state, ("g",), KEY, T)
    assert largest_difference(before, state.params["g"]) > bound  # only the critic is clipped


def test_wgan_moves_by_rmsprop_with_an_epsilon_that_small():
    made = wgan(clip=1.0)(recipe(rate=0.5))
    tiny = {"w": jnp.full((3,), 1e-6)}
    moved, _ = made.opts["g"].step(tiny, made.opts["g"].init(tiny), {"w": jnp.zeros(3)}, 0.0)
    expected = -0.5 * 1e-6 / np.sqrt(0.01 * 1e-12 + 1e-16)  # 1e-8 inside the root gives -0.005
    assert np.allclose(moved["w"], expected, rtol=1e-4)
    second = 0.01 * 4 + 0.99 * 0.01 * 1  # of decay 0.99; no momentum: the last gradient alone
    assert np.isclose(direction_after(wgan(), 1.0, -2.0), -2 / np.sqrt(second), rtol=1e-4)


def test_wgan_gp_moves_its_critic_five_times_by_adam_without_momentum():
    assert wgan_gp()(recipe()).schedule == (("d",),) * 5 + (("g",),)
    second = (0.1 * 4 + 0.9 * 0.1 * 1) / (1 - 0.9**2)  # b1 = 0, b2 = 0.9
    assert np.isclose(direction_after(wgan_gp(), 1.0, -2.0), -2 / np.sqrt(second), rtol=1e-4)


def test_a_flat_critic_has_a_penalty_and_a_finite_slope():
    made, batches = wgan_gp(weight=10.0)(recipe(discriminator=linear_critic())), data()
    state, objective = start(made, batches), objective_of(made, batches)

    def loss(w):
        losses, info = objective(at(state, d={"w": w}), KEY, T)
        return losses["d"], info["d/penalty"]

    slope, penalty = jax.grad(loss, has_aux=True)(jnp.zeros_like(state.params["d"]["w"]))
    assert float(penalty) == pytest.approx(10.0)
    assert bool(jnp.isfinite(slope).all())


def test_wgans_direction_has_a_derivative_where_nothing_ever_moved():
    zero = {"w": jnp.zeros(3)}

    def moved(grad):
        return RMSPROP.update({"w": grad}, RMSPROP.init(zero))[0]["w"].sum()

    assert bool(jnp.isfinite(jax.grad(moved)(jnp.zeros(3))).all())


def test_critic_takes_five_different_batches():
    batches = data()
    made = wgan(clip=1e9, steps=5)(recipe(sgd(), 1.0, discriminator=linear_critic()))
    made = made._replace(opts=recipe(sgd(), 1.0).opts, schedule=made.schedule[:5])
    state = start(made, batches)
    after, _ = build(made, batches).step(state, KEY, 0)
    moved = after.params["d"]["w"] - state.params["d"]["w"]
    single = made._replace(schedule=(("d",),))
    once, _ = build(single, batches).step(state, KEY, 0)
    step = once.params["d"]["w"] - state.params["d"]["w"]
    assert not np.allclose(moved, 5 * step, rtol=1e-2)  # five times the same batch would be


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2)])
def test_gradient_penalty_is_exact_for_a_linear_critic(shape):
    generator = constant(jnp.zeros(shape))
    made = recipe(discriminator=linear_critic(), generator=generator)
    value, state = penalty_of(wgan_gp(weight=10.0), made, data(shape))
    norm = float(jnp.linalg.norm(state.params["d"]["w"]))  # the same for every sample
    assert value == pytest.approx(10 * (norm - 1) ** 2, rel=1e-4)


def test_gradient_penalty_draws_one_epsilon_a_sample():
    # |grad f| is 1 on the line through data (0, 0) and samples (1, 1), and above 1 off it: one
    # epsilon a sample stays on the line, one a pixel leaves it
    def score(x):
        return (x[:, 0] + x[:, 1]) / jnp.sqrt(2.0) + 3 * (x[:, 0] - x[:, 1]) ** 2

    generator = constant(jnp.ones(2))
    batches = Data(lambda key: jnp.zeros((64, 2)), lambda key: jnp.zeros((64, LATENT)))
    made = recipe(discriminator=critic_of(score), generator=generator)
    value, _ = penalty_of(wgan_gp(weight=10.0), made, batches)
    assert value == pytest.approx(0.0, abs=1e-8)


def test_gradient_penalty_interpolates_over_the_whole_segment():
    def score(x):  # |grad f| = |x|: the penalty tells where the points lie
        return 0.5 * jnp.sum(x**2, -1)

    generator = constant(jnp.ones(1))
    batches = Data(lambda key: jnp.zeros((20000, 1)), lambda key: jnp.zeros((20000, LATENT)))
    value, _ = penalty_of(
        wgan_gp(weight=1.0), recipe(discriminator=critic_of(score), generator=generator), batches
    )
    assert value == pytest.approx(1 / 3, abs=0.01)  # E (U - 1)^2 for U ~ U[0, 1]
