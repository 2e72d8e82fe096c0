"""Weights averaged beside or between the moves."""

import jax
import jax.numpy as jnp
from small import KEY, data, recipe, trees_equal

from ganbench.assembly import build
from ganbench.game import TrainState, compose
from ganbench.stabilizers.ema import AVERAGE, ema
from ganbench.stabilizers.lookahead import lookahead
from ganbench.stabilizers.nonsaturating import nonsaturating


def test_averaged_weights_are_sampled_and_never_trained_on():
    batches = data()
    plain = build(nonsaturating()(recipe()), batches)
    made = build(compose(nonsaturating(), ema(0.9))(recipe()), batches)
    state, other = made.init(KEY), plain.init(KEY)
    mean = other.params["g"]
    for t in range(3):
        key = jax.random.fold_in(KEY, t)
        state, _ = made.step(state, key, t)
        other, _ = plain.step(other, key, t)
        mean = jax.tree.map(lambda m, p: 0.9 * m + 0.1 * p, mean, other.params["g"])
    assert trees_equal(state.params, other.params)
    assert all(
        jnp.allclose(a, b)
        for a, b in zip(jax.tree.leaves(state.aux[AVERAGE]), jax.tree.leaves(mean), strict=True)
    )
    averaged = TrainState({**other.params, "g": state.aux[AVERAGE]}, other.aux, other.opt)
    assert jnp.array_equal(made.generate(state, KEY), plain.generate(averaged, KEY))


def test_lookahead_goes_back_part_of_the_way_jointly():
    batches = data()
    plain = build(nonsaturating()(recipe()), batches)
    made = build(compose(nonsaturating(), lookahead(period=3, rate=0.25))(recipe()), batches)
    state = made.init(KEY)
    fast = first = plain.init(KEY)
    for t in range(3):
        key = jax.random.fold_in(KEY, t)
        state, _ = made.step(state, key, t)
        fast, _ = plain.step(fast, key, t)
        if t < 2:
            assert trees_equal(state.params, fast.params)
    expected = jax.tree.map(lambda a, b: a + 0.25 * (b - a), first.params, fast.params)
    for player in ("d", "g"):
        for a, b in zip(
            *map(jax.tree.leaves, (state.params[player], expected[player])), strict=True
        ):
            assert jnp.allclose(a, b, atol=1e-6)
        assert trees_equal(state.aux[f"{player}/slow"], state.params[player])
    assert trees_equal(state.opt, fast.opt)  # not reset
