"""Denoising feature matching, and rectifiers that are learnt."""

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
    start,
)

from ganbench.assembly import build
from ganbench.game import ProtocolError, compose
from ganbench.parts import generated, judge_generated, judge_real
from ganbench.seeds import fold_name
from ganbench.stabilizers.dfm import dfm
from ganbench.stabilizers.gap import gap
from ganbench.stabilizers.mode_regularized import mdgan
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.stabilizers.pelu import pelu
from ganbench.stabilizers.together import simultaneous
from ganbench.stabilizers.wgan import wgan
from ganbench.zoo.activation import LEAST
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


def test_samples_are_drawn_to_where_the_denoiser_puts_them():
    """The gradient passes through features and denoiser; a cut one would change it."""
    stack = compose(nonsaturating(), dfm(weight=0.5, noise=0.3))

    def loss(players, batches):
        fake = players("d", generated(players, batches, KEY))
        apart = jnp.mean((fake.features - players("r", fake.features)) ** 2)
        return softplus(-fake.score).mean() + 0.5 * apart

    assert close(slopes_of(stack)["g"], slope_by_hand(stack, "g", loss))


def test_the_denoiser_moves_before_the_generator():
    assert compose(nonsaturating(), dfm())(recipe()).schedule == (("d",), ("r",), ("g",))
    for stack in ((simultaneous(), dfm()), (dfm(), simultaneous())):
        (phase,) = compose(nonsaturating(), *stack)(recipe()).schedule
        assert sorted(phase) == ["d", "g", "r"]  # all at once, in either order


def test_the_denoiser_is_not_clipped_with_the_critic():
    made = compose(wgan(clip=0.01), dfm())(recipe(rate=0.1))
    state, _ = build(made, data()).step(start(made, data()), KEY, 0)
    assert max(float(jnp.abs(x).max()) for x in jax.tree.leaves(state.params["r"])) > 0.5


def test_no_swaps_of_discriminators_whose_features_a_denoiser_reads():
    with pytest.raises(ProtocolError, match="gap needs the features nobody else reads, which dfm"):
        build(compose(nonsaturating(), dfm(), gap())(recipe()), data())


def test_a_learnt_shape_below_its_bound_can_come_back():
    net = pelu()(recipe(discriminator=zoo("mlp", Sizes((2,), 2, 8, 1))["discriminator"])).nets["d"]
    x = normal(1, BATCH, 2)
    params, aux = net.init(KEY, x)
    is_shape = lambda path: path[-1].key in ("a", "b")  # noqa: E731
    low = jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf - 3.0 if is_shape(path) else leaf, params
    )
    bound = jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.full_like(leaf, LEAST - 1) if is_shape(path) else leaf, params
    )
    assert jnp.allclose(net.apply(low, aux, x, key=KEY).score, net.apply(bound, aux, x, key=KEY)[0])
    grads = jax.grad(lambda p: (net.apply(p, aux, x, key=KEY).score ** 2).mean())(low)
    shapes = [g for path, g in jax.tree_util.tree_leaves_with_path(grads) if is_shape(path)]
    assert all(float(jnp.abs(g)) > 0 for g in shapes)


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
