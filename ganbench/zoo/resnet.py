"""SNGAN's residual nets for CIFAR-10: put `spectral-norm` in the stack for its normalization.

The generator doubles a map `depth` times; at depth 3 and 32 pixels it starts from 4 x 4. The
discriminator halves one twice, then keeps it for `depth` - 1 blocks, and sums over it. All hidden
maps have `width` channels: 256 in the published generator, 128 in its discriminator (`d_width`).
What is normalised by the batch is the generator alone, unless a suite says otherwise.

Reference: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018,
arXiv 1802.05957, appendix B.4.
"""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from ganbench.errors import BadInput
from ganbench.zoo.activation import relu
from ganbench.zoo.convolution import Conv, halvings
from ganbench.zoo.images import Architecture, family
from ganbench.zoo.layers import Hidden, he, joined, lecun, parted
from ganbench.zoo.linen import Sizes, checked
from ganbench.zoo.regularization import BatchNorm

Resample = Callable[[jax.Array], jax.Array]


def _kept(x: jax.Array) -> jax.Array:
    return x


def _doubled(side: tuple[int, ...]) -> Resample:
    """Nearest neighbours, twice as many a side, of which the first `side` are kept."""

    def up(x: jax.Array) -> jax.Array:
        return x.repeat(2, axis=1).repeat(2, axis=2)[:, : side[0], : side[1]]

    return up


def _halved(x: jax.Array) -> jax.Array:
    """Means of 2 x 2 pixels; a last odd row or column is its own mean."""
    odd = ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0))
    x = jnp.pad(x, odd, mode="edge")
    x = (x[:, ::2] + x[:, 1::2]) / 2
    return (x[:, :, ::2] + x[:, :, 1::2]) / 2


class Block(nn.Module):
    """shortcut(x) + two 3 x 3 convolutions, each behind a rectifier; either side is resampled."""

    width: int
    before: Resample = _kept  # where maps grow
    after: Resample = _kept  # where they shrink
    normalized: bool = False
    first: bool = False  # an image enters, which no rectifier is to cut

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        def ready(h: jax.Array) -> jax.Array:
            return relu(BatchNorm()(h) if self.normalized else h)

        h = x if self.first else ready(x)
        h = Conv(self.width, stride=1)(self.before(h))
        h = self.after(Conv(self.width, stride=1)(ready(h)))
        same = self.before is _kept and self.after is _kept and x.shape[-1] == self.width
        if not same:
            x = self.after(nn.Dense(self.width, kernel_init=lecun)(self.before(x)))
        return x + h


class Down(nn.Module):
    """Images (and vectors) -> (batch, width): two halving blocks, others, a sum over the map."""

    width: int
    depth: int
    normalized: bool

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        x, vectors = parted(*inputs)
        x = Block(self.width, after=_halved, normalized=self.normalized, first=True)(x)
        x = Block(self.width, after=_halved, normalized=self.normalized)(x)
        for _ in range(self.depth - 1):
            x = Block(self.width, normalized=self.normalized)(x)
        x = relu(x).sum((1, 2))
        return Hidden(self.width, 1, relu)(x, *vectors) if vectors else x


class Up(nn.Module):
    """Vectors -> (batch, *shape), linear: a dense layer, `depth` doubling blocks, a convolution."""

    shape: tuple[int, ...]
    width: int
    depth: int
    normalized: bool

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        *sides, smallest = halvings(self.shape[:2], self.depth)
        x = nn.Dense(math.prod(smallest) * self.width, kernel_init=he)(joined(*inputs))
        x = x.reshape(-1, *smallest, self.width)
        for side in reversed(sides):
            x = Block(self.width, before=_doubled(side), normalized=self.normalized)(x)
        x = relu(BatchNorm()(x) if self.normalized else x)
        return Conv(self.shape[-1], stride=1, kernel_init=lecun)(x)


def _checked(sizes: Sizes) -> Sizes:
    if len(sizes.shape) != 3 or min(sizes.shape[:2]) < 2**sizes.depth:
        raise BadInput(
            f"nets resnet takes images (shape (height, width, channels)) of at least "
            f"{2**sizes.depth} pixels a side at depth {sizes.depth}, not shape {tuple(sizes.shape)}"
        )
    return checked(sizes, "resnet", "normalized")


FAMILY = family(
    Architecture(
        reader=lambda s: Down(s.width, s.depth, bool(s.normalized)),
        writer=lambda shape, s: Up(shape, s.width, s.depth, s.normalized is not False),
        features=lambda s: s.width,
        code=lambda s: s.width,
        checked=_checked,
    )
)
