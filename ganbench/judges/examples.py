"""What a judge of images learns from: the images, and others that are none of their classes."""

from functools import cache

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

REAL, FAKE = 128, 16  # images per step: real ones, and of each kind of "none"
BLENDS = 6  # times as many blends: the kind nearest to real images
#: Of noise on everything, or the net would learn that real digits have 17 levels and blends 33.
DITHER = 0.05
SIDE = 8  # pixels of the image that blur, warp and shift were chosen on; others in proportion


def examples(key, images, labels, count, classes=10, photographs=False):
    """One training batch: images, (batch, h, w, c); answers, 0 to `classes`; weights, 0 or 1.

    Real images, slightly warped, then every kind of "none": uniform noise, Gaussian noise, images
    with their pixels shuffled, blurred images, and half-and-half blends of two classes. Only the
    first `count` of `images` and `labels` are drawn. Outside of drawings is background, -1; outside
    of `photographs` is more of what is at their edge, and half of the real ones are mirrored.
    """
    picks, bend, level, spread, pixels, order, dither = jr.split(key, 7)
    index = jr.randint(picks, (REAL + 2 * FAKE + 2 * BLENDS * FAKE,), 0, count)
    real, scrambled, smooth, first, second = jnp.split(
        index, np.cumsum([REAL, FAKE, FAKE, BLENDS * FAKE])
    )
    shape = (FAKE, *images.shape[1:])
    levels = jr.uniform(level, (2, FAKE, 1, 1, 1))
    # Any mean and any spread: covers the constant images that a collapsed generator gives.
    gaussian = 2 * levels[0] - 1 + levels[1] * jr.normal(spread, shape)
    upright = images[real]
    if photographs:
        upright = jnp.concatenate([upright[: REAL // 2, :, ::-1], upright[REAL // 2 :]])
    x = jnp.concatenate(
        [
            _warped(bend, upright, photographs),
            jr.uniform(pixels, shape, minval=-1.0, maxval=1.0),
            jnp.clip(gaussian, -1.0, 1.0),
            shuffled(order, images[scrambled]),
            blurred(images[smooth], photographs),
            (images[first] + images[second]) / 2,
        ]
    )
    y = jnp.concatenate([labels[real], jnp.full(len(x) - REAL, classes)])
    # A blend of one class with itself may well be of that class: it counts for nothing.
    apart = jnp.where(labels[first] != labels[second], 1.0, 0.0)
    weight = jnp.concatenate([jnp.ones(len(x) - BLENDS * FAKE), apart])
    return x + DITHER * jr.normal(dither, x.shape), y, weight


def shuffled(key, images):
    """`images` with their pixels in another order, the same for all."""
    batch, height, width, channels = images.shape
    flat = images.reshape(batch, height * width, channels)
    return flat[:, jr.permutation(key, height * width)].reshape(images.shape)


def _warped(key, images, photographs):
    """Small random affine warps (8 % of the linear part, a 29th of the side), bilinear."""
    side = images.shape[1]
    linear, shift = jr.split(key)
    matrix = jnp.eye(2) + 0.08 * jr.normal(linear, (len(images), 2, 2))
    line = np.arange(side) - (side - 1) / 2  # about the image's centre
    place = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    source = jnp.einsum("nij,pj->npi", matrix, place) + (side - 1) / 2
    source += 0.28 * side / SIDE * jr.normal(shift, (len(images), 1, 2))
    if photographs:
        source = jnp.clip(source, 0, side - 1)
    # +1 and -1: what lies outside a drawing is background.
    return _bilinear(images + 1, source).reshape(images.shape) - 1


def _bilinear(images, source):
    """(n, h, w, c) at the places `source`, (n, p, 2): (n, p, c); 0 outside."""
    side = images.shape[1]
    near = jax.nn.relu(1 - jnp.abs(source[..., None] - jnp.arange(side)))
    rows = jnp.einsum("npi,nijc->npjc", near[:, :, 0], images)
    return jnp.einsum("npjc,npj->npc", rows, near[:, :, 1])


@cache
def _blur(side: int) -> np.ndarray:
    """A blur of standard deviation an eighth of the side: binomial weights, again and again.

    Of 8 pixels twice. Once is too close to real digits: three quarters of those would pass.
    """
    once = np.eye(side) / 2 + np.eye(side, k=1) / 4 + np.eye(side, k=-1) / 4
    return np.linalg.matrix_power(once, round(2 * (side / SIDE) ** 2)).astype(np.float32)


def blurred(images, photographs=False):
    """`images`, (batch, h, w, c), blurred along both axes; drawings over a background of -1."""
    blur = _blur(images.shape[1])
    if photographs:
        blur = blur / blur.sum(-1, keepdims=True)
    return jnp.einsum("ij,njkc,lk->nilc", blur, images + 1, blur) - 1
