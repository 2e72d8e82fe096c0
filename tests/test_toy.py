"""The nets of the toy protocols: PacGAN's maxout and normalised layers, and nets of one number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import normal

from ganbench.errors import BadInput
from ganbench.zoo.catalogue import Sizes, zoo
from ganbench.zoo.regularization import BatchNorm
from ganbench.zoo.toy import PIECES

KEY = jax.random.key(0)


def test_toy_nets_have_the_published_sizes():
    """G: 4 x 400 normalised rectifiers without bias; D: 3 x 200 maxout units of five pieces."""
    nets = zoo("toy", Sizes((2,), 2, 400, 4))
    generator, _ = jax.eval_shape(nets["generator"].init, KEY, normal(1, 10, 2))
    hidden = 2 * 400 + 3 * 400**2 + 4 * 2 * 400  # kernels, and a scale and shift a unit
    count = sum(leaf.size for leaf in jax.tree.leaves(generator))
    assert count == hidden + 400 * 2 + 2
    critic, _ = jax.eval_shape(nets["discriminator"].init, KEY, normal(1, 10, 2))
    hidden = (2 + 1) * 200 * PIECES + 2 * (200 + 1) * 200 * PIECES
    assert sum(leaf.size for leaf in jax.tree.leaves(critic)) == hidden + 200 + 1


@pytest.mark.parametrize(("role", "layers"), [("generator", 5), ("discriminator", 4)])
def test_toy_nets_start_from_the_published_weights(role, layers):
    params, _ = zoo("toy", Sizes((2,), 2, 400, 4))[role].init(KEY, normal(1, 10, 2))
    kernels = [leaf for leaf in jax.tree.leaves(params) if leaf.ndim == 2]
    assert len(kernels) == layers
    assert all(float(k.std()) == pytest.approx(0.02, rel=0.2) for k in kernels)
    whole = jnp.concatenate([k.ravel() for k in kernels])
    assert float(whole.std()) == pytest.approx(0.02, rel=0.02)


def test_batches_are_normalised_by_their_own_statistics():
    x = 3 + 5 * normal(1, 64, 4)
    made = BatchNorm().apply(BatchNorm().init(KEY, x), x)
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(made.std(0), 1, atol=1e-4)
    apart = np.asarray(made - (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5))
    assert np.abs(apart).max() < 1e-5


def test_a_maxout_unit_is_the_largest_of_its_pieces():
    net = zoo("toy", Sizes((2,), 2, 2, 2))["discriminator"]  # one unit, one layer
    x = normal(2, 7, 2)
    params, aux = net.init(KEY, x)
    (kernel,) = [leaf for leaf in jax.tree.leaves(params) if leaf.shape == (2, PIECES)]
    by_hand = np.asarray(x @ kernel).max(1)
    np.testing.assert_allclose(net.apply(params, aux, x).features[:, 0], by_hand, atol=1e-6)


@pytest.mark.parametrize("role", ["discriminator", "encoder", "autoencoder", "denoiser"])
def test_nets_of_one_number_read_the_first_coordinate_alone(role):
    net = zoo("points", Sizes((2,), 1, 1, 1))[role]
    x = normal(1, 5, 1) if role == "denoiser" else normal(1, 5, 2)
    params, aux = net.init(KEY, x)
    moved = x if role == "denoiser" else x.at[:, 1].add(7.0)
    for a, b in zip(
        jax.tree.leaves(net.apply(params, aux, x)),
        jax.tree.leaves(net.apply(params, aux, moved)),
        strict=True,
    ):
        assert jnp.array_equal(a, b)
    assert all(leaf.size == 1 for leaf in jax.tree.leaves(params))


def test_a_number_shows_itself_as_a_point_of_the_line():
    net = zoo("points", Sizes((2,), 1, 1, 1))["generator"]
    params, aux = net.init(KEY, jnp.zeros((4, 1)))
    assert jnp.array_equal(
        net.apply(params, aux, jnp.zeros((4, 1))), jnp.tile(jnp.eye(2)[0], (4, 1))
    )
    with pytest.raises(BadInput, match="points of the plane"):
        zoo("points", Sizes((8, 8, 1), 1, 1, 1))
