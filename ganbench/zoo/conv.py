"""Convolutional nets for 8x8 images, built to train as many lanes at once.

Under `vmap` over parameters XLA runs a convolution as a grouped one, which on a CPU is about ten
times slower than a batched matrix product. So both convolutions here are one matrix product each,
with slices before it or shifted sums after it; slices and pads are each other's transposes, so
gradients of any order stay matrix products and no scatter appears.

There is no batch normalization: gradient penalties need each sample's own gradient, so no output
may depend on another sample. Kernels are 3x3: a training step costs 1.5 times less than with the
usual 4x4, of whose products on a 4x4 map 44 % fall on padding (of 3x3: 31 %). The price is that
output pixels of a transposed layer receive 1, 2 or 4 taps, not 4 each.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from ganbench.errors import BadInput
from ganbench.zoo.activation import leaky, relu
from ganbench.zoo.images import Architecture, family
from ganbench.zoo.layers import Hidden, he, lecun, parted
from ganbench.zoo.linen import Sizes, checked

SIDE = 8  # of the images, in pixels: two strides of 2 leave a 2x2 map


def _patches(x: jax.Array, kernel: int, stride: int) -> jax.Array:
    """(batch, h, w, c) -> (batch, h', w', kernel * kernel * c), padded as "SAME" pads."""
    outs = [-(-n // stride) for n in x.shape[1:3]]
    total = [max((o - 1) * stride + kernel - n, 0) for o, n in zip(outs, x.shape[1:3], strict=True)]
    x = jnp.pad(x, ((0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)))
    rows, columns = (
        [slice(i, i + (o - 1) * stride + 1, stride) for i in range(kernel)] for o in outs
    )
    return jnp.concatenate([x[:, i, j] for i in rows for j in columns], axis=-1)


def _fold(y: jax.Array, axis: int, taps: int) -> jax.Array:
    """Sum the kernel's taps (axis `taps`) of each row (axis `axis`) into the two rows it becomes.

    Tap i of input row r lands on output row 2 r + before - i: taps of one parity share a sub-pixel
    phase a, in which they are shifted by whole input rows. The phases become axis `axis + 1`.
    """
    kernel = y.shape[taps]
    before = max(1, -(-kernel // 2))  # rows that "SAME" puts before the dilated input

    def phase(a: int) -> jax.Array:
        total = jnp.zeros((), y.dtype)
        for i in range((before - a) % 2, kernel, 2):
            by = (before - i - a) // 2
            shift = [(by, -by, 0) if n == axis else (0, 0, 0) for n in range(y.ndim - 1)]
            tap = jax.lax.index_in_dim(y, i, taps, keepdims=False)
            total = total + jax.lax.pad(tap, jnp.zeros((), y.dtype), shift)
        return total

    return jnp.stack([phase(0), phase(1)], axis=axis + 1)


class PatchConv(nn.Module):
    """`nn.Conv(features, (kernel, kernel), stride, "SAME")` as one product of patches and kernel.

    Same parameters: kernel (kernel, kernel, in, features) and bias (features,). Maps
    (batch, h, w, in) to (batch, ceil(h / stride), ceil(w / stride), features).
    """

    features: int
    kernel: int = 3
    stride: int = 2

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        kernel = self.param("kernel", he, shape)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        patches = _patches(x, self.kernel, self.stride)
        return patches @ kernel.reshape(-1, self.features) + bias


class PatchConvTranspose(nn.Module):
    """`nn.ConvTranspose(features, (kernel, kernel), (2, 2), "SAME")` as one product, then sums.

    Same parameters: kernel (kernel, kernel, in, features), kernel at least 2, and bias (features,).
    Maps (batch, h, w, in) to (batch, 2 h, 2 w, features): each input pixel times every tap, the
    results folded into the four sub-pixel phases, which then interleave. Fan-in counts all taps, as
    Flax does, though a stride of 2 brings a quarter of them to each output pixel: outputs start
    with a quarter of the variance.
    """

    features: int
    kernel: int = 3
    kernel_init: nn.initializers.Initializer = he

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        batch, h, w, channels = x.shape
        k, n = self.kernel, self.features
        kernel = self.param("kernel", self.kernel_init, (k, k, channels, n))
        bias = self.param("bias", nn.initializers.zeros_init(), (n,))
        taps = (x @ kernel.transpose(2, 0, 1, 3).reshape(channels, -1)).reshape(
            batch, h, w, k, k, n
        )
        phases = _fold(_fold(taps, axis=1, taps=3), axis=3, taps=4)  # (batch, h, 2, w, 2, n)
        return phases.reshape(batch, 2 * h, 2 * w, n) + bias


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
    return checked(sizes)


FAMILY = family(Architecture(Down, Up, features=4, checked=_checked))
