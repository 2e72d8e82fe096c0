"""DCGAN's nets: strided convolutions down, transposed ones up, batch normalization between.

`depth` strides of 2 lie between an image and its smallest map, sides rounded up: 28 and 32 pixels
both end at 4 for a depth of 3. The map next to the image has `width` channels, each further one
twice as many. Weights are He's as in every family, not N(0, 0.02^2) as published: a normalization
makes their scale immaterial, and without it 0.02 is far too little for narrow layers.

References: Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks", ICLR 2016, arXiv 1511.06434; for the small nets Metz et al.,
"Unrolled Generative Adversarial Networks", ICLR 2017, arXiv 1611.02163, as rebuilt in the code of
Lin et al., "PacGAN", NeurIPS 2018, arXiv 1712.04086.
"""

import math
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax

from ganbench.errors import BadInput
from ganbench.zoo.activation import leaky, relu
from ganbench.zoo.convolution import Conv, ConvTranspose, halvings
from ganbench.zoo.images import Architecture, family
from ganbench.zoo.layers import Hidden, he, joined, lecun, parted
from ganbench.zoo.linen import Family, Sizes, checked
from ganbench.zoo.regularization import BatchNorm

CODE = (
    8  # entries of an autoencoder's code a unit of width: at 16 the 128 of EBGAN's least on MNIST
)


class Style(NamedTuple):
    """What tells the published nets of this kind apart."""

    name: str
    kernel: int
    slope: float  # of the leaky rectifiers where samples are read
    first: int  # convolutions before normalization begins where samples are read
    smooth: bool  # whether a last convolution, of stride 1, stands between the maps and the image


class Down(nn.Module):
    """Images (and vectors) -> (batch, features): `depth` convolutions of stride 2, flattened.

    Images are joined on their channels. Vectors are joined to the last map by a dense layer as wide
    as the map, without which a joint (x, z) critic could not relate x to z.
    """

    style: Style
    width: int
    depth: int
    normalized: bool

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        own = partial(leaky, slope=self.style.slope)
        x, vectors = parted(*inputs)
        for layer in range(self.depth):
            bare = not self.normalized or layer < self.style.first
            x = Conv(self.width * 2**layer, self.style.kernel, bias=bare)(x)
            x = own(x if bare else BatchNorm()(x))
        x = joined(x)
        return Hidden(x.shape[-1], 1, own)(x, *vectors) if vectors else x


class Up(nn.Module):
    """Vectors -> (batch, *shape), linear: a dense layer, then `depth` transposed convolutions."""

    style: Style
    shape: tuple[int, ...]
    width: int
    depth: int
    normalized: bool

    def _norm(self, x: jax.Array) -> jax.Array:
        return relu(BatchNorm()(x) if self.normalized else x)

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        *sides, smallest = halvings(self.shape[:2], self.depth)
        top = self.width * 2 ** (self.depth - 1 + self.style.smooth)
        bare = not self.normalized
        x = nn.Dense(math.prod(smallest) * top, kernel_init=he, use_bias=bare)(joined(*inputs))
        x = self._norm(x.reshape(-1, *smallest, top))
        hidden = sides if self.style.smooth else sides[1:]
        for layer, side in reversed(list(enumerate(hidden))):
            x = self._norm(
                ConvTranspose(self.width * 2**layer, self.style.kernel, side=side, bias=bare)(x)
            )
        channels, kernel = self.shape[-1], self.style.kernel
        if self.style.smooth:
            return Conv(channels, kernel, stride=1, kernel_init=lecun)(x)
        return ConvTranspose(channels, kernel, side=sides[0], kernel_init=lecun)(x)


def _checked(style: Style, sizes: Sizes) -> Sizes:
    if len(sizes.shape) != 3:
        raise BadInput(
            f"nets {style.name} takes images (shape (height, width, channels)), not shape "
            f"{tuple(sizes.shape)}; nets mlp takes any"
        )
    sizes = checked(sizes, style.name, "normalized")
    if 2**sizes.depth > max(sizes.shape[:2]):
        raise BadInput(
            f"nets {style.name}: {sizes.depth} strides of 2 are too many for images of "
            f"{sizes.shape[0]}x{sizes.shape[1]}"
        )
    return sizes._replace(normalized=sizes.normalized is not False)


def _features(sizes: Sizes) -> int:
    *_, smallest = halvings(sizes.shape[:2], sizes.depth)
    return math.prod(smallest) * sizes.width * 2 ** (sizes.depth - 1)


def _family(style: Style) -> Family:
    return family(
        Architecture(
            reader=lambda s: Down(style, s.width, s.depth, bool(s.normalized)),
            writer=lambda shape, s: Up(style, shape, s.width, s.depth, bool(s.normalized)),
            features=_features,
            code=lambda s: CODE * s.width,
            checked=partial(_checked, style),
        )
    )


#: Kernels of 4, which a stride of 2 overlaps evenly: what the authors' Torch code uses.
FAMILY = _family(Style("dcgan", kernel=4, slope=0.2, first=1, smooth=False))
#: Stacked MNIST's small nets: a generator of width 8, discriminators of width 2 and 4, depth 3.
SMALL = _family(Style("dcgan-small", kernel=3, slope=0.3, first=0, smooth=True))
