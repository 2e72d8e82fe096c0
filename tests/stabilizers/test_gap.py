"""Generative adversarial parallelization: pairs, swaps and streams."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import BATCH, KEY, data, largest_difference, recipe, sgd, trees_equal

from ganbench.assembly import build
from ganbench.game import compose
from ganbench.stabilizers.gap import gap
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.stabilizers.spectral_norm import spectral_norm


def test_gap_with_one_pair_is_the_plain_method_at_its_pairs_key():
    batches = data()
    plain = build(nonsaturating()(recipe()), batches)
    made = build(compose(nonsaturating(), gap(pairs=1, period=1))(recipe()), batches)
    own = jax.random.fold_in
    state, one = made.init(KEY), plain.init(own(KEY, 0))
    pairs, alone = jax.jit(made.step), jax.jit(plain.step)
    for t in range(4):
        key = own(KEY, 100 + t)
        state, _ = pairs(state, key, t)
        one, _ = alone(one, own(key, 0), t)
    assert largest_difference(jax.tree.map(lambda x: x[0], state.params), one.params) < 1e-6
    samples = made.generate(state, KEY)
    assert jnp.allclose(samples, plain.generate(one, own(KEY, 0)), atol=1e-6)


def test_gap_swaps_whole_discriminators_every_period_and_nothing_else():
    batches, period = data(), 3
    stack = compose(nonsaturating(), gap(pairs=4, period=period))
    made, never = (
        build(s(recipe()), batches) for s in (stack, compose(nonsaturating(), gap(4, 99)))
    )
    state, swapping, staying = made.init(KEY), jax.jit(made.step), jax.jit(never.step)
    moved = []
    for t in range(2 * period):
        key = jax.random.fold_in(KEY, t)
        (after, _), (unswapped, _) = swapping(state, key, t), staying(state, key, t)
        assert trees_equal(after.params["g"], unswapped.params["g"])
        assert trees_equal(after.opt["g"], unswapped.opt["g"])
        firsts = {name: np.asarray(unswapped.params["d"][name]) for name in ("w", "v")}
        order = [
            next(j for j in range(4) if np.array_equal(after.params["d"]["w"][i], firsts["w"][j]))
            for i in range(4)
        ]
        assert sorted(order) == [0, 1, 2, 3]
        index = jnp.array(order)
        for part in ("params", "opt"):  # optimizer state travels with its network
            expected = jax.tree.map(lambda x, i=index: x[i], getattr(unswapped, part)["d"])
            assert trees_equal(getattr(after, part)["d"], expected)
        moved.append(order != [0, 1, 2, 3])
        state = after
    assert not any(m for t, m in enumerate(moved) if t % period != period - 1)
    assert any(moved)


def test_every_swap_is_a_permutation_of_its_own():
    made = build(compose(nonsaturating(), gap(pairs=4, period=1))(recipe(sgd(), 0.0)), data())
    state, step, orders = made.init(KEY), jax.jit(made.step), set()
    for t in range(24):
        after, _ = step(state, jax.random.fold_in(KEY, t), t)
        before, now = (np.asarray(s.params["d"]["v"]) for s in (state, after))
        orders.add(tuple(int(np.abs(before - own).sum(-1).argmin()) for own in now))
        state = after
    assert len(orders) > 8  # of 24: one order drawn once, or turns in a circle, have four at most


def test_gap_swaps_what_a_discriminators_net_keeps():
    """The estimates of spectral normalization belong to their weights."""
    batches = data()
    stacks = [compose(nonsaturating(), spectral_norm(), gap(4, period)) for period in (1, 99)]
    swapping, staying = (build(s(recipe()), batches) for s in stacks)
    state = swapping.init(KEY)
    (after, _), (before, _) = swapping.step(state, KEY, 0), staying.step(state, KEY, 0)
    w, u = (np.asarray(before.params["d"]["w"]), before.aux["d"]["u"]["['w']"])
    order = [next(j for j in range(4) if np.array_equal(x, w[j])) for x in after.params["d"]["w"]]
    assert order != [0, 1, 2, 3]
    assert np.array_equal(after.aux["d"]["u"]["['w']"], np.asarray(u)[order])


@pytest.mark.parametrize("source", ["real", "latent"])
def test_gap_pairs_see_their_own_data_and_mix_evenly(source):
    fixed = data()
    held = {"real": "latent", "latent": "real"}[source]
    batches = fixed._replace(**{held: lambda key: getattr(fixed, held)(KEY)})
    stack = compose(nonsaturating(), gap(pairs=4, period=100))
    made = build(stack(recipe(sgd(), 0.1)), batches)  # Adam's first step has the gradient's signs
    state = made.init(KEY)
    same = state._replace(params=jax.tree.map(lambda x: x[:1].repeat(4, 0), state.params))
    after, _ = made.step(same, KEY, 0)
    for a in range(3):  # equal pairs part by the one source that is not held
        assert not np.array_equal(after.params["d"]["w"][a], after.params["d"]["w"][a + 1])
    bias = jnp.arange(4.0)[:, None] * 1000 + jnp.zeros((4, 3))
    params = {**state.params, "g": {"w": 0 * state.params["g"]["w"], "b": bias}}
    samples = made.generate(state._replace(params=params), KEY)
    assert np.bincount((samples[:, 0] / 1000).astype(int)).tolist() == [BATCH // 4] * 4
