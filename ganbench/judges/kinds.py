"""What judges of 28 x 28 drawings learn from beside `examples`: what generators draw instead.

Soft images are still of their class: who draws them has learnt it, and a judge that never saw any
is one of edges, which passes whatever has them. What has lost its shape is of no class. The kinds
were chosen after a look at samples of six methods that a judge without them had got wrong.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.random import fold_in

from ganbench.judges.examples import DITHER

TILES = 4  # along a side


class Kind(NamedTuple):
    """Images made of others: `make(key, images, others)`, all (n, h, w, c) in [-1, 1]."""

    make: Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
    number: int  # of them in a batch
    real: bool = False  # whether what is made of an image is of its class; else it is of none
    both: bool = False  # whether two images make it: of one class, they may well make one of it


def softened(key, images, others):
    """Blurred by up to a 28th of the side, of three quarters the contrast or more."""
    width, contrast = jr.split(key)
    most = images.shape[1] / 28
    soft = _smoothed(images + 1, jr.uniform(width, (len(images),), maxval=most))
    return soft * jr.uniform(contrast, (len(images), 1, 1, 1), minval=0.75) - 1


def jigsaw(key, images, others):
    """Cut into four by four tiles, which change places."""
    n, side, _, channels = images.shape
    tile = side // TILES
    x = images.reshape(n, TILES, tile, TILES, tile, channels).swapaxes(2, 3)
    x = jax.vmap(jr.permutation)(
        jr.split(key, n), x.reshape(n, TILES * TILES, tile, tile, channels)
    )
    x = x.reshape(n, TILES, TILES, tile, tile, channels).swapaxes(2, 3)
    return x.reshape(images.shape)


def overlaid(key, images, others):
    """The brighter of two images at every pixel."""
    return jnp.maximum(images, others)


def blobs(key, images, others):
    """Smooth noise, cut at a random height, brightest where images are."""
    field, width, cut, edge = jr.split(key, 4)
    n, side = len(images), images.shape[1]
    noise = jr.normal(field, images.shape)
    wide = jr.uniform(width, (n,), minval=0.5, maxval=2.5) * side / 28
    smooth = _smoothed(noise, wide)
    smooth /= smooth.std((1, 2, 3), keepdims=True)
    bright = (jnp.mean(images, 0) + 1) / jnp.max(jnp.mean(images, 0) + 1)
    height = jr.uniform(cut, (n, 1, 1, 1), minval=0.0, maxval=1.2)
    steep = jr.uniform(edge, (n, 1, 1, 1), minval=2.0, maxval=20.0)
    return 2 * jax.nn.sigmoid(steep * (smooth - height)) * jnp.minimum(1.0, 1.5 * bright) - 1


def speckled(key, images, others):
    """A fifth to nearly half of what is not background, and of what is near it, flipped."""
    places, share = jr.split(key)
    flip = jr.uniform(places, images.shape) < jr.uniform(
        share, (len(images), 1, 1, 1), minval=0.2, maxval=0.45
    )
    near = _smoothed(images + 1, jnp.full(len(images), images.shape[1] / 14)) > 0.3
    return jnp.where(flip & near, -images, images)


def _smoothed(images, widths):
    """`images`, 0 outside, under Gaussian windows of standard deviations `widths`, (n,)."""
    line = np.arange(images.shape[1])
    apart = (line[:, None] - line[None, :]) ** 2
    window = jnp.exp(-apart / (2 * jnp.maximum(widths, 0.05)[:, None, None] ** 2))
    window /= window[:, len(line) // 2].sum(-1)[:, None, None]
    return jnp.einsum("nij,njkc,nlk->nilc", window, images, window)


def drawn(key, kinds, images, labels, count, classes):
    """A batch of all `kinds`, as `examples` makes one: images, answers, weights."""

    def one(key, kind):
        picks, made, dither = jr.split(key, 3)
        first, second = jr.randint(picks, (2, kind.number), 0, count)
        x = kind.make(made, images[first], images[second])
        x += DITHER * jr.normal(dither, x.shape)
        answers = labels[first] if kind.real else jnp.full(kind.number, classes)
        counts = (labels[first] != labels[second]) | (not kind.both)
        return x, answers, counts.astype(x.dtype)

    parts = [one(fold_in(key, i), kind) for i, kind in enumerate(kinds)]
    return tuple(map(jnp.concatenate, zip(*parts, strict=True)))


KINDS = (
    Kind(softened, 64, real=True),
    Kind(jigsaw, 16),
    Kind(overlaid, 16, both=True),
    Kind(blobs, 32),
    Kind(speckled, 16),
)
