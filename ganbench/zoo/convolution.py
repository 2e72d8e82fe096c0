"""Convolutional layers, in the two ways that run fast under `vmap` over parameters.

`Conv` and `ConvTranspose` leave the convolution to XLA's library (see `ganbench.convolution`): for
images whose maps are worth a call each. `PatchConv` and `PatchConvTranspose` are products of
matrices (see `ganbench.patches`): for the smallest, of many lanes at once. All have the parameters
of Flax's own layers.
"""

import flax.linen as nn
import jax

from ganbench.convolution import convolve, same, same_up
from ganbench.patches import fold, patches
from ganbench.zoo.layers import he


def halvings(shape: tuple[int, ...], times: int) -> list[tuple[int, ...]]:
    """`shape` and the maps that so many strides of 2 leave of it, sides rounded up."""
    made = [tuple(shape)]
    for _ in range(times):
        made.append(tuple(-(-side // 2) for side in made[-1]))
    return made


class _Convolution(nn.Module):
    """A kernel (kernel, kernel, in, features), what a layer makes of it, a bias (features,)."""

    features: int
    kernel: int = 3
    bias: bool = True
    kernel_init: nn.initializers.Initializer = he

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        y = self.convolved(x, self.param("kernel", self.kernel_init, shape))
        return y + self.param("bias", _zeros, (self.features,)) if self.bias else y

    def convolved(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        raise NotImplementedError


class Conv(_Convolution):
    """`nn.Conv(features, (kernel, kernel), stride, "SAME")`.

    Maps (batch, h, w, in) to (batch, ceil(h / stride), ceil(w / stride), features).
    """

    stride: int = 2

    def convolved(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        pads = [same(side, self.kernel, self.stride) for side in x.shape[1:3]]
        return convolve(x, kernel, pads, (self.stride, self.stride))


class PatchConv(Conv):
    """`Conv` as one product of patches and kernel."""

    def convolved(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        return patches(x, self.kernel, self.stride) @ kernel.reshape(-1, self.features)


class ConvTranspose(_Convolution):
    """`nn.ConvTranspose(features, (kernel, kernel), (2, 2), "SAME")`, of which `side` is kept.

    Maps (batch, h, w, in) to (batch, 2 h, 2 w, features), or what `side` leaves of that, from the
    top left: a stride of 2 leaves 4 of 7 pixels, and 8 of 4. The kernel is at least 2. Fan-in
    counts all taps, as Flax does, though a stride of 2 brings a quarter of them to each output
    pixel: outputs start with a quarter of the variance.
    """

    side: tuple[int, ...] | None = None

    def convolved(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        sides = self.side or [2 * n for n in x.shape[1:3]]
        pads = [same_up(n, self.kernel, m) for n, m in zip(x.shape[1:3], sides, strict=True)]
        return convolve(x, kernel, pads, x_dilation=(2, 2))


class PatchConvTranspose(_Convolution):
    """`ConvTranspose` as one product, then sums, with all rows kept.

    Each input pixel times every tap, the results folded into the four sub-pixel phases, which then
    interleave.
    """

    def convolved(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        batch, h, w, channels = x.shape
        k, n = self.kernel, self.features
        taps = (x @ kernel.transpose(2, 0, 1, 3).reshape(channels, -1)).reshape(
            batch, h, w, k, k, n
        )
        phases = fold(fold(taps, axis=1, taps=3), axis=3, taps=4)  # (batch, h, 2, w, 2, n)
        return phases.reshape(batch, 2 * h, 2 * w, n)


_zeros = nn.initializers.zeros_init()
