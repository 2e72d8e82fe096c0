"""Convolutional nets for 8x8 images, built to train as many lanes at once.

There is no batch normalization: gradient penalties need each sample's own gradient, so no output
may depend on another sample. Kernels are 3x3: a training step costs 1.5 times less than with the
usual 4x4, of whose products on a 4x4 map 44 % fall on padding (of 3x3: 31 %). The price is that
output pixels of a transposed layer receive 1, 2 or 4 taps, not 4 each.
"""

import flax.linen as nn
import jax

from ganbench.errors import BadInput
from ganbench.zoo.activation import leaky, relu
from ganbench.zoo.convolution import PatchConv, PatchConvTranspose
from ganbench.zoo.images import Architecture, family
from ganbench.zoo.layers import Hidden, lecun, parted
from ganbench.zoo.linen import Sizes, checked

SIDE = 8  # of the images, in pixels: two strides of 2 leave a 2x2 map


class Down(nn.Module):
    """Images (and vectors) -> (batch, 4 width): convolutions to 4x4xw and 2x2x2w, dense layers.

    Images are joined on their channels, vectors at the first dense layer: it is what lets a joint
    (x, z) critic relate x to z.
    """

    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        x, vectors = parted(*inputs)
        x = leaky(PatchConv(self.width)(x))
        x = leaky(PatchConv(2 * self.width)(x))
        return Hidden(4 * self.width, self.depth, leaky)(x, *vectors)


class Up(nn.Module):
    """Vectors -> (batch, 8, 8, channels), linear: dense layers, then two transposed ones.

    `depth` dense layers of 8 width, the last of them read as a 2x2x2w map, then 4x4xw and 8x8.
    """

    shape: tuple[int, ...]
    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        x = Hidden(8 * self.width, self.depth, relu)(*inputs).reshape(-1, 2, 2, 2 * self.width)
        x = relu(PatchConvTranspose(self.width)(x))
        return PatchConvTranspose(self.shape[-1], kernel_init=lecun)(x)


def _checked(sizes: Sizes) -> Sizes:
    if len(sizes.shape) != 3 or sizes.shape[:2] != (SIDE, SIDE):
        raise BadInput(
            f"nets conv takes {SIDE}x{SIDE} images (shape ({SIDE}, {SIDE}, channels)), not shape "
            f"{tuple(sizes.shape)}; nets mlp takes any"
        )
    return checked(sizes, "conv")


FAMILY = family(
    Architecture(
        reader=lambda sizes: Down(sizes.width, sizes.depth),
        writer=lambda shape, sizes: Up(shape, sizes.width, sizes.depth),
        features=lambda sizes: 4 * sizes.width,
        code=lambda sizes: sizes.width,  # at 16 a quarter of an 8x8 image's pixels
        checked=_checked,
    )
)
