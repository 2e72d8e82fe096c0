"""Denoising feature matching, and rectifiers that are learnt."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import BATCH, KEY, data, losses_of, normal, recipe

from ganbench.assembly import build
from ganbench.game import ProtocolError, compose
from ganbench.parts import judge_generated, judge_real
from ganbench.seeds import fold_name
from ganbench.stabilizers.dfm import dfm
from ganbench.stabilizers.mode_regularized import mdgan
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.stabilizers.pelu import pelu
from ganbench.zoo.activation import pelu as function
from ganbench.zoo.catalogue import Sizes, zoo


def test_the_denoiser_learns_from_data_alone_and_draws_samples_uncorrupted():
    plain, _, _ = losses_of(nonsaturating())
    losses, players, batches = losses_of(compose(nonsaturating(), dfm(weight=0.5, noise=0.3)))
    real, fake = (f(players, batches, KEY).features for f in (judge_real, judge_generated))
    e = jax.random.normal(fold_name(KEY, "corruption"), real.shape)
    cleaned = players("r", real + 0.3 * e)
    assert jnp.allclose(losses["r"], jnp.mean((real - cleaned) ** 2), atol=1e-6)
    apart = jnp.mean((fake - players("r", fake)) ** 2)
    assert jnp.allclose(losses["g"] - plain["g"], 0.5 * apart, atol=1e-6)
    assert float(losses["d"]) == float(plain["d"])


def test_the_denoiser_moves_before_the_generator():
    assert compose(nonsaturating(), dfm())(recipe()).schedule == (("d",), ("r",), ("g",))


def test_a_game_without_one_generator_loss_is_refused_by_both_names():
    with pytest.raises(ProtocolError, match="dfm needs the generator's one loss, which mdgan"):
        build(compose(mdgan(), dfm())(recipe()), data())


def test_pelu_of_given_shape():
    x = jnp.array([-3.0, -0.5, 0.0, 2.0])
    by_hand = [2 * (np.exp(-3 / 4) - 1), 2 * (np.exp(-0.5 / 4) - 1), 0.0, 1.0]
    assert jnp.allclose(function(x, 2.0, 4.0), jnp.array(by_hand), atol=1e-6)
    far = jax.grad(lambda x: function(x, 1.0, 1.0))(jnp.float32(1e4))
    assert float(far) == 1.0  # exp of it would be inf, and the gradient NaN


@pytest.mark.parametrize("shape", [(2,), (8, 8, 1)])
def test_every_hidden_layer_gets_a_shape_of_its_own(shape):
    sizes = Sizes(shape, 2, 8, 2)
    nets = zoo("mlp", sizes)
    made = recipe(discriminator=nets["discriminator"], generator=nets["generator"])
    learnt = pelu()(made)
    x = normal(1, BATCH, *shape)
    for name, given in (("d", x), ("g", normal(2, BATCH, 2))):
        plain, aux = made.nets[name].init(KEY, given)
        params, _ = learnt.nets[name].init(KEY, given)
        more = len(jax.tree.leaves(params)) - len(jax.tree.leaves(plain))
        assert more == 2 * 2  # a and b of two layers
        out = learnt.nets[name].apply(params, aux, given, key=KEY)
        before = made.nets[name].apply(plain, aux, given, key=KEY)
        assert not jnp.allclose(jax.tree.leaves(out)[0], jax.tree.leaves(before)[0])
