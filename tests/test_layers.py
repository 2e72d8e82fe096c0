"""Layers against Flax's own, the energy of autoencoders, and Linen modules as nets."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import normal

from ganbench.zoo.convolution import Conv, ConvTranspose, PatchConv, PatchConvTranspose
from ganbench.zoo.layers import reconstruction_energy
from ganbench.zoo.linen import from_linen

KEY = jax.random.key(0)


def both(ours, theirs, x):
    """Value and gradients of both modules at one parameter tree, which is the reference's own."""
    params = jax.eval_shape(theirs.init, KEY, x)
    assert jax.tree.map(jnp.shape, jax.eval_shape(ours.init, KEY, x)) == jax.tree.map(
        jnp.shape, params
    )
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape), params)

    def loss(module, params, x):
        y = module.apply(params, x)
        return jnp.sum(jnp.sin(y)), y

    for module in (ours, theirs):
        grad = jax.jit(jax.value_and_grad(loss, (1, 2), has_aux=True), static_argnums=0)
        (_, y), grads = grad(module, params, x)
        yield {"value": y, "grads": grads}


@pytest.mark.parametrize("hw", [(8, 8), (7, 4)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 4, 5])
@pytest.mark.parametrize("layer", [Conv, PatchConv])
def test_conv_is_flax_conv(layer, kernel, stride, hw):
    with jax.enable_x64(True):
        theirs = nn.Conv(6, (kernel, kernel), stride, "SAME", param_dtype=jnp.float64)
        x = normal(1, 2, *hw, 3, dtype=jnp.float64)
        mine, reference = both(layer(6, kernel, stride=stride), theirs, x)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-11), mine, reference)


@pytest.mark.parametrize("hw", [(2, 2), (3, 5)])
@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
@pytest.mark.parametrize("layer", [ConvTranspose, PatchConvTranspose])
def test_conv_transpose_is_flax_conv_transpose(layer, kernel, hw):
    with jax.enable_x64(True):
        theirs = nn.ConvTranspose(6, (kernel, kernel), (2, 2), "SAME", param_dtype=jnp.float64)
        x = normal(1, 2, *hw, 3, dtype=jnp.float64)
        mine, reference = both(layer(6, kernel), theirs, x)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-11), mine, reference)


def test_conv_transpose_keeps_the_sides_that_are_asked_for():
    x = normal(1, 2, 4, 2, 3)
    whole, part = ConvTranspose(5, 4), ConvTranspose(5, 4, side=(7, 3))
    params = whole.init(KEY, x)
    np.testing.assert_allclose(
        part.apply(params, x), whole.apply(params, x)[:, :7, :3], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("module", [PatchConv(4), PatchConvTranspose(4)])
def test_no_convolution_and_no_scatter_in_second_derivatives(module):
    x = normal(1, 2, 4, 4, 3)
    params = module.init(KEY, x)

    def penalty(params):
        slope = jax.grad(lambda x: jnp.sum(jnp.sin(module.apply(params, x))))(x)
        return jnp.sum(jnp.square(slope))

    text = str(jax.make_jaxpr(jax.grad(penalty))(params))
    assert "conv_general" not in text and "scatter" not in text


def test_energy_by_hand_and_its_gradients_at_zero():
    x, y = jnp.array([[0.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0, 4.0], [1.0, 1.0]])
    np.testing.assert_allclose(reconstruction_energy(x, y), [5.0, 0.0])

    def energy(y):
        return reconstruction_energy(x, y).sum()

    np.testing.assert_allclose(jax.grad(energy)(y), [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)
    assert jnp.isfinite(jax.hessian(energy)(y)).all()


def test_from_linen_keeps_collections_apart_and_feeds_random_streams():
    class Noisy(nn.Module):
        @nn.compact
        def __call__(self, x, y):
            x = nn.BatchNorm(use_running_average=False)(x + y)
            x = nn.Dropout(0.5, deterministic=False)(nn.Dense(16)(x))
            return x + jax.random.normal(self.make_rng("noise"), x.shape)

    net = from_linen(Noisy())
    x = normal(1, 4, 3)
    params, aux = net.init(KEY, x, x)
    assert set(aux) == {"batch_stats"} and "Dense_0" in params
    keys = jax.random.split(KEY)
    once, again, other = (net.apply(params, aux, x, x, key=keys[i]) for i in (0, 0, 1))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    with pytest.raises(Exception, match="RNG"):
        net.apply(params, aux, x, x)
