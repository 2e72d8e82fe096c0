"""Dense nets that read and write every channel of an image with the same weights.

For stacks of like images, such as three digits in three channels: what is learnt of one channel
serves the others. On stacked digits a critic of this family teaches in 3,000 steps what one of
family `mlp` does not in 10,000 (`suites/mode-collapse.toml` lists what was tried). Any height and
width.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from ganbench.errors import BadInput
from ganbench.zoo.activation import leaky, relu
from ganbench.zoo.images import Architecture, family
from ganbench.zoo.layers import Hidden, he, lecun, parted
from ganbench.zoo.linen import Sizes, checked


class Down(nn.Module):
    """Images (and vectors) -> (batch, 2 width): each channel to `width` values, then dense layers.

    Images are joined on their channels, vectors at the first layer that sees all channels.
    """

    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        x, vectors = parted(*inputs)
        h = jnp.moveaxis(x, -1, 1).reshape(x.shape[0], x.shape[-1], -1)  # (batch, channels, pixels)
        for columns in (2 * self.width, self.width):
            h = leaky(nn.Dense(columns, kernel_init=he)(h))
        return Hidden(2 * self.width, self.depth, leaky)(h, *vectors)


class Up(nn.Module):
    """Vectors -> (batch, *shape), linear: `depth` dense layers of 4 width, then each channel's own.

    These make `width` values of each channel, then its pixels.
    """

    shape: tuple[int, ...]
    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        *space, channels = self.shape
        h = Hidden(4 * self.width, self.depth, relu)(*inputs)
        h = relu(nn.Dense(channels * self.width, kernel_init=he)(h))
        h = h.reshape(-1, channels, self.width)
        h = relu(nn.Dense(2 * self.width, kernel_init=he)(h))
        x = nn.Dense(math.prod(space), kernel_init=lecun)(h)
        return jnp.moveaxis(x.reshape(-1, channels, *space), 1, -1)


def _checked(sizes: Sizes) -> Sizes:
    if len(sizes.shape) != 3:
        raise BadInput(
            "nets channels takes images (shape (height, width, channels)), not shape "
            f"{tuple(sizes.shape)}; nets mlp takes any"
        )
    return checked(sizes, "channels")


FAMILY = family(
    Architecture(
        reader=lambda sizes: Down(sizes.width, sizes.depth),
        writer=lambda shape, sizes: Up(shape, sizes.width, sizes.depth),
        features=lambda sizes: 2 * sizes.width,
        code=lambda sizes: sizes.width,  # at 16 a quarter of an 8x8 image's pixels
        checked=_checked,
    )
)
