"""Minibatch discrimination, historical averaging, label smoothing."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.nn import softplus
from small import (
    BATCH,
    KEY,
    T,
    at,
    data,
    losses_of,
    normal,
    objective_of,
    recipe,
    sgd,
    smooth_critic,
    start,
)

from ganbench.assembly import build
from ganbench.game import Players, ProtocolError, compose
from ganbench.parts import generated
from ganbench.stabilizers.autoencoding import vaegan
from ganbench.stabilizers.ebgan import ebgan_pt
from ganbench.stabilizers.improved import (
    closeness,
    historical_averaging,
    label_smoothing,
    minibatch_discrimination,
)
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.stabilizers.vgan import vgan
from ganbench.stabilizers.zero_centred import r1


def test_closeness_counts_the_others():
    assert jnp.allclose(closeness(jnp.ones((5, 3, 2))), 4.0)  # all alike, itself left out
    far = 100.0 * jnp.arange(5.0)[:, None, None] * jnp.ones((5, 3, 2))
    assert jnp.allclose(closeness(far), 0.0)
    code = normal(1, 4, 2, 3)
    by_hand = [
        [
            sum(np.exp(-np.abs(code[i, b] - code[j, b]).sum()) for j in range(4) if j != i)
            for b in range(2)
        ]
        for i in range(4)
    ]
    assert jnp.allclose(closeness(code), np.array(by_hand), atol=1e-5)


def test_real_and_generated_samples_are_judged_in_batches_of_their_own():
    net = minibatch_discrimination(4, 2)(recipe()).nets["d"]
    x, other = normal(2, BATCH, 3), normal(3, BATCH, 3)
    params, aux = net.init(KEY, x)
    params = {**params, "w": jnp.ones(4)}
    alone = net.apply(params, aux, x, key=KEY).score
    joined = net.apply(params, aux, jnp.concatenate([x, other]), key=KEY).score[:BATCH]
    assert not jnp.allclose(alone, joined, atol=1e-3)  # who shares the batch does matter
    plain = smooth_critic().apply(params["net"], {}, x)
    o = closeness((plain.features @ params["t"]).reshape(-1, 4, 2))
    assert jnp.allclose(alone, plain.score + o.sum(-1), atol=1e-4)
    assert net.apply(params, aux, x, key=KEY).features.shape[1] == 4 + 4


def test_the_game_judges_real_and_generated_samples_apart():
    """A game that joined both batches before D would give other losses."""
    stack = compose(nonsaturating(), minibatch_discrimination(4, 2))
    made, batches = stack(recipe()), data()
    state = start(made, batches)
    d = {**state.params["d"], "w": jnp.ones(4)}
    state = at(state, d=d)
    losses, _ = objective_of(made, batches)(state, KEY, T)
    players = Players(made.nets, state)
    real = players("d", batches.real(KEY), key=KEY).score
    fake = players("d", generated(players, batches, KEY), key=KEY).score
    expected = softplus(-real).mean() + softplus(fake).mean()
    assert float(losses["d"]) == pytest.approx(float(expected), rel=1e-5)


def test_energies_of_a_code_take_no_closenesses_for_it():
    for base in (ebgan_pt(), vgan(), vaegan()):
        with pytest.raises(ProtocolError, match="needs the features, which minibatch-disc"):
            build(compose(base, minibatch_discrimination(4, 2))(recipe()), data())


def test_no_penalty_on_slopes_of_single_samples_beside_it():
    stack = compose(nonsaturating(), minibatch_discrimination(4, 2), r1())
    with pytest.raises(ProtocolError, match="r1 needs the judgement of each sample for itself"):
        build(stack(recipe()), data())


def test_history_is_averaged_and_pulls():
    made = historical_averaging(weight=0.5)(nonsaturating()(recipe(sgd(), 0.1)))
    direction = made.opts["g"].direction
    values = [1.0, 4.0, -2.0]
    state = direction.init({"w": jnp.zeros(())})
    for i, value in enumerate(values):
        update, state = direction.update(
            {"w": jnp.float32(0.3)}, state, {"w": jnp.float32(value)}, value=jnp.zeros(())
        )
        mean = np.mean(values[: i + 1])
        assert np.isclose(float(update["w"]), 0.3 + 2 * 0.5 * (value - mean), atol=1e-6)


def test_only_data_are_labelled_less_than_one():
    plain, players, batches = losses_of(nonsaturating())
    smoothed, _, _ = losses_of(compose(nonsaturating(), label_smoothing(0.1)))
    real = players("d", batches.real(KEY)).score
    cross = optax.sigmoid_binary_cross_entropy
    change = cross(real, jnp.full_like(real, 0.9)).mean() - cross(real, jnp.ones_like(real)).mean()
    assert jnp.allclose(smoothed["d"] - plain["d"], change, atol=1e-6)
    assert float(smoothed["g"]) == float(plain["g"])
    assert jax.tree.structure(smoothed) == jax.tree.structure(plain)
