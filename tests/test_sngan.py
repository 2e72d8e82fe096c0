"""SNGAN's nets, value by value against its paper's drawing."""

import jax
import jax.numpy as jnp
import numpy as np
from small import normal

from ganbench.zoo.catalogue import Sizes, zoo

KEY, BATCH, LATENT = jax.random.key(0), 4, 5
SIZES = Sizes((8, 8, 3), LATENT, 4, 3)


def convolved(p, x):
    how = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}
    return jax.lax.conv_general_dilated(x, p["kernel"], (1, 1), "SAME", **how) + p["bias"]


def residual(p, x, before=None, after=None, first=False):
    """x, resampled and with so many channels, + two convolutions: by the paper, not by the code."""

    def ready(layer, x):
        return jax.nn.relu(normalised(p[layer], x) if layer in p else x)

    def resampled(x):
        b, h, w, c = x.shape
        if before:
            return jnp.kron(x, jnp.ones((1, 2, 2, 1)))
        return x.reshape(b, h // 2, 2, w // 2, 2, c).mean((2, 4)) if after else x

    h = x if first else ready("BatchNorm_0", x)
    h = convolved(p["Conv_0"], resampled(h) if before else h)
    h = convolved(p["Conv_1"], ready("BatchNorm_1", h))
    short = x @ p["Dense_0"]["kernel"] + p["Dense_0"]["bias"] if "Dense_0" in p else x
    return (resampled(h) if after else h) + resampled(short)


def normalised(p, x):
    over = (0, 1, 2)
    return (x - x.mean(over)) / jnp.sqrt(x.var(over) + 1e-5) * p["scale"] + p["shift"]


def jittered(params):
    """No bias at 0, no scale at 1: what a layer leaves out or adds shows."""
    return jax.tree.map(lambda x: x + 0.1 * jnp.sin(jnp.arange(x.size).reshape(x.shape)), params)


def test_sngans_discriminator_is_what_the_paper_draws():
    net, x = zoo("resnet", SIZES)["discriminator"], normal(1, BATCH, *SIZES.shape)
    params = jittered(net.init(KEY, x)[0])
    down = params["Down_0"]
    h = residual(down["Block_0"], x, after=True, first=True)
    h = residual(down["Block_1"], h, after=True)
    h = residual(down["Block_3"], residual(down["Block_2"], h))
    features = jax.nn.relu(h).sum((1, 2))
    out = net.apply(params, {}, x)
    np.testing.assert_allclose(out.features, features, rtol=1e-4, atol=1e-4)
    score = features @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"]
    np.testing.assert_allclose(out.score, score[:, 0], rtol=1e-4, atol=1e-4)


def test_sngans_generator_is_what_the_paper_draws():
    net, z = zoo("resnet", SIZES)["generator"], normal(1, BATCH, LATENT)
    params = jittered(net.init(KEY, z)[0])
    up = params["Up_0"]
    h = (z @ up["Dense_0"]["kernel"] + up["Dense_0"]["bias"]).reshape(BATCH, 1, 1, 4)
    for block in range(3):
        h = residual(up[f"Block_{block}"], h, before=True)
    wanted = jnp.tanh(convolved(up["Conv_0"], jax.nn.relu(normalised(up["BatchNorm_0"], h))))
    np.testing.assert_allclose(net.apply(params, {}, z), wanted, rtol=1e-3, atol=1e-3)
