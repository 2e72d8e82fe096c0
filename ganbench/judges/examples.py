"""What the digits judge learns from: digits, and images that are none of them."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

REAL, FAKE = 128, 16  # images per step: of real digits, and of each kind of "none"
BLENDS = 6  # times as many blends: the kind nearest to real digits
# Binomial weights, twice: a blur of standard deviation one pixel. Once is too close to real digits:
# three quarters of those would pass.
ONCE = np.eye(8) / 2 + np.eye(8, k=1) / 4 + np.eye(8, k=-1) / 4
BLUR = (ONCE @ ONCE).astype(np.float32)


def examples(key, images, labels, count):
    """One training batch: images, (batch, 8, 8); answers, 0 to 10; weights, 0 or 1.

    Real digits, slightly warped, then every kind of "none": uniform noise, Gaussian noise, digits
    with their pixels shuffled, blurred digits, and half-and-half blends of two classes. Only the
    first `count` of `images` and `labels` are drawn.
    """
    picks, bend, level, spread, pixels, order, dither = jr.split(key, 7)
    index = jr.randint(picks, (REAL + 2 * FAKE + 2 * BLENDS * FAKE,), 0, count)
    real, scrambled, smooth, first, second = jnp.split(
        index, np.cumsum([REAL, FAKE, FAKE, BLENDS * FAKE])
    )
    shape = (FAKE, 8, 8)
    levels = jr.uniform(level, (2, FAKE, 1, 1))
    # Any mean and any spread: covers the constant images that a collapsed generator gives.
    gaussian = 2 * levels[0] - 1 + levels[1] * jr.normal(spread, shape)
    x = jnp.concatenate(
        [
            _warped(bend, images[real]),
            jr.uniform(pixels, shape, minval=-1.0, maxval=1.0),
            jnp.clip(gaussian, -1.0, 1.0),
            images[scrambled].reshape(FAKE, 64)[:, jr.permutation(order, 64)].reshape(shape),
            blurred(images[smooth]),
            (images[first] + images[second]) / 2,
        ]
    )
    y = jnp.concatenate([labels[real], jnp.full(len(x) - REAL, 10)])
    # A blend of one class with itself may well be a digit: it counts for nothing.
    apart = jnp.where(labels[first] != labels[second], 1.0, 0.0)
    weight = jnp.concatenate([jnp.ones(len(x) - BLENDS * FAKE), apart])
    # Dither on everything, or the net would learn that real pixels have 17 levels and blends 33.
    return x + 0.05 * jr.normal(dither, x.shape), y, weight


def _warped(key, images):
    """Small random affine warps (8 % of the linear part, a quarter of a pixel), bilinear."""
    linear, shift = jr.split(key)
    matrix = jnp.eye(2) + 0.08 * jr.normal(linear, (len(images), 2, 2))
    line = np.arange(8) - 3.5  # about the image's centre
    place = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(64, 2)
    source = jnp.einsum("nij,pj->npi", matrix, place) + 3.5
    source += 0.28 * jr.normal(shift, (len(images), 1, 2))
    near = jax.nn.relu(1 - jnp.abs(source[..., None] - jnp.arange(8)))
    # +1 and -1: what lies outside the image is background.
    warp = jnp.einsum("npi,nij,npj->np", near[:, :, 0], images + 1, near[:, :, 1]) - 1
    return warp.reshape(images.shape)


def blurred(images):
    """`images`, (batch, 8, 8), blurred along both axes over a background of -1."""
    return jnp.einsum("ij,njk,lk->nil", BLUR, images + 1, BLUR) - 1
