"""Convolutional layers, in the two ways that run fast under `vmap` over parameters.

`Conv` and `ConvTranspose` leave the convolution to XLA's library (see `ganbench.convolution`): for
images whose maps are worth a call each. `PatchConv` and `PatchConvTranspose` are products of
matrices (see `ganbench.patches`): for the smallest, of many lanes at once. All have the parameters
of Flax's own layers.
"""

import flax.linen as nn
import jax

from ganbench.convolution import convolve, same
from ganbench.patches import fold, patches
from ganbench.zoo.layers import he


def halvings(shape: tuple[int, ...], times: int) -> list[tuple[int, ...]]:
    """`shape` and the maps that so many strides of 2 leave of it, sides rounded up."""
    made = [tuple(shape)]
    for _ in range(times):
        made.append(tuple(-(-side // 2) for side in made[-1]))
    return made


class Conv(nn.Module):
    """`nn.Conv(features, (kernel, kernel), stride, "SAME")`.

    Maps (batch, h, w, in) to (batch, ceil(h / stride), ceil(w / stride), features).
    """

    features: int
    kernel: int = 3
    stride: int = 2
    bias: bool = True
    kernel_init: nn.initializers.Initializer = he

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        pads = [same(side, self.kernel, self.stride) for side in x.shape[1:3]]
        y = convolve(x, kernel, pads, (self.stride, self.stride))
        return y + self.param("bias", _zeros, (self.features,)) if self.bias else y


class ConvTranspose(nn.Module):
    """`nn.ConvTranspose(features, (kernel, kernel), (2, 2), "SAME")`, of which `side` is kept.

    Maps (batch, h, w, in) to (batch, 2 h, 2 w, features), or what `side` leaves of that, from the
    top left: a stride of 2 leaves 4 of 7 pixels, and 8 of 4. The kernel is at least 2. Fan-in
    counts all taps, as Flax does, though a stride of 2 brings a quarter of them to each output
    pixel: outputs start with a quarter of the variance.
    """

    features: int
    kernel: int = 3
    side: tuple[int, ...] | None = None
    bias: bool = True
    kernel_init: nn.initializers.Initializer = he

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        before = max(1, -(-self.kernel // 2))  # rows that "SAME" puts before the dilated input
        sides = self.side or [2 * side for side in x.shape[1:3]]
        # 2 n - 1 rows, pads and a window of the kernel's size leave the rows that are asked for
        after = [
            side + self.kernel - 2 * n - before for side, n in zip(sides, x.shape[1:3], strict=True)
        ]
        y = convolve(x, kernel, [(before, end) for end in after], x_dilation=(2, 2))
        return y + self.param("bias", _zeros, (self.features,)) if self.bias else y


class PatchConv(nn.Module):
    """`Conv` as one product of patches and kernel."""

    features: int
    kernel: int = 3
    stride: int = 2
    bias: bool = True
    kernel_init: nn.initializers.Initializer = he

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        y = patches(x, self.kernel, self.stride) @ kernel.reshape(-1, self.features)
        return y + self.param("bias", _zeros, (self.features,)) if self.bias else y


class PatchConvTranspose(nn.Module):
    """`ConvTranspose` as one product, then sums, with all rows kept.

    Each input pixel times every tap, the results folded into the four sub-pixel phases, which then
    interleave.
    """

    features: int
    kernel: int = 3
    bias: bool = True
    kernel_init: nn.initializers.Initializer = he

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        batch, h, w, channels = x.shape
        k, n = self.kernel, self.features
        kernel = self.param("kernel", self.kernel_init, (k, k, channels, n))
        taps = (x @ kernel.transpose(2, 0, 1, 3).reshape(channels, -1)).reshape(
            batch, h, w, k, k, n
        )
        phases = fold(fold(taps, axis=1, taps=3), axis=3, taps=4)  # (batch, h, 2, w, 2, n)
        y = phases.reshape(batch, 2 * h, 2 * w, n)
        return y + self.param("bias", _zeros, (n,)) if self.bias else y


_zeros = nn.initializers.zeros_init()
