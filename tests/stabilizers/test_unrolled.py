"""Unrolling: the generator's gradient runs through the discriminator's own steps."""

import jax
import jax.numpy as jnp
import numpy as np
from small import KEY, T, at, data, objective_of, phase_of, recipe, sgd, start, trees_equal

from ganbench.assembly import build
from ganbench.game import compose
from ganbench.rules import gradients
from ganbench.stabilizers.nonsaturating import minimax
from ganbench.stabilizers.unrolled import unrolled


def test_unrolled_one_step_matches_finite_differences():
    with jax.enable_x64(True):
        batches, rate = data(dtype=jnp.float64), 0.3
        made = compose(minimax(), unrolled(1))(recipe(sgd(), rate))
        plain = objective_of(minimax()(recipe(sgd(), rate)), batches)
        state = start(made, batches)

        def later(g):
            """-L_D at the critic after one step of gradient descent, by the definition."""
            here = at(state, g=g)
            slope = jax.grad(lambda d: plain(at(here, d=d), KEY, T)[0]["d"])(state.params["d"])
            moved = jax.tree.map(lambda p, s: p - rate * s, state.params["d"], slope)
            return -plain(at(here, d=moved), KEY, T)[0]["d"], moved

        grads, _ = gradients(objective_of(made, batches), state, ("g",), KEY, T)
        w, step = state.params["g"]["w"], 1e-5
        numeric = np.zeros(w.shape)
        for i in np.ndindex(w.shape):
            up, down = w.at[i].add(step), w.at[i].add(-step)
            values = [later({**state.params["g"], "w": x})[0] for x in (up, down)]
            numeric[i] = (values[0] - values[1]) / (2 * step)
        assert np.abs(grads["g"].grad["w"] - numeric).max() < 1e-7
        # the wrong port: the gradient at the moved critic, without the path through the move
        moved = later(state.params["g"])[1]
        first_order, _ = gradients(plain, at(state, d=moved), ("g",), KEY, T)
        assert np.abs(first_order["g"].grad["w"] - numeric).max() > 1e-3


def test_unrolled_replays_the_discriminators_own_adam():
    made, batches = compose(minimax(), unrolled(3))(recipe(rate=0.1)), data()
    plain = minimax()(recipe(rate=0.1))
    phase, state = phase_of(plain, batches), start(made, batches)
    state, _ = phase(state, ("d",), KEY, T)  # so that Adam's moments are not zero
    ahead = state
    for _ in range(3):
        ahead, _ = phase(ahead, ("d",), KEY, T)
    expected = objective_of(plain, batches)(at(state, d=ahead.params["d"]), KEY, T)[0]["g"]
    assert jnp.allclose(objective_of(made, batches)(state, KEY, T)[0]["g"], expected, atol=1e-6)


def test_unrolled_zero_steps_is_the_plain_game():
    batches = data()
    plain = build(minimax()(recipe()), batches)
    made = build(compose(minimax(), unrolled(0))(recipe()), batches)
    state = plain.init(KEY)
    for t in range(3):
        key = jax.random.fold_in(KEY, t)
        state, (other, _) = plain.step(state, key, t)[0], made.step(state, key, t)
        assert trees_equal(state, other)


def test_unrolling_leaves_the_discriminators_own_state_alone():
    made, batches = compose(minimax(), unrolled(5))(recipe(rate=0.1)), data()
    state = start(made, batches)
    after, _ = phase_of(made, batches)(state, ("g",), KEY, T)
    assert trees_equal(state.params["d"], after.params["d"])
    assert trees_equal(state.opt["d"], after.opt["d"])
    assert not trees_equal(state.params["g"], after.params["g"])
    plain = phase_of(minimax()(recipe(rate=0.1)), batches)
    one = [phase(state, ("d",), KEY, T)[0].params for phase in (plain, phase_of(made, batches))]
    assert trees_equal(*one)  # D takes one ordinary step, not K
