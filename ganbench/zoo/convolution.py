"""Convolutional layers that run fast under `vmap` over parameters: see `ganbench.patches`."""

import flax.linen as nn
import jax

from ganbench.patches import fold, patches
from ganbench.zoo.layers import he


def halvings(shape: tuple[int, ...], times: int) -> list[tuple[int, ...]]:
    """`shape` and the maps that so many strides of 2 leave of it, sides rounded up."""
    made = [tuple(shape)]
    for _ in range(times):
        made.append(tuple(-(-side // 2) for side in made[-1]))
    return made


class PatchConv(nn.Module):
    """`nn.Conv(features, (kernel, kernel), stride, "SAME")` as one product of patches and kernel.

    Same parameters: kernel (kernel, kernel, in, features) and bias (features,). Maps
    (batch, h, w, in) to (batch, ceil(h / stride), ceil(w / stride), features).
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
        y = patches(x, self.kernel, self.stride) @ kernel.reshape(-1, self.features)
        return y + self.param("bias", _zeros, (self.features,)) if self.bias else y


class PatchConvTranspose(nn.Module):
    """`nn.ConvTranspose(features, (kernel, kernel), (2, 2), "SAME")` as one product, then sums.

    Same parameters: kernel (kernel, kernel, in, features), kernel at least 2, and bias (features,).
    Maps (batch, h, w, in) to (batch, 2 h, 2 w, features): each input pixel times every tap, the
    results folded into the four sub-pixel phases, which then interleave. `side`, if given, is how
    much of that is kept, from the top left: a stride of 2 leaves 4 of 7 pixels, and 8 of 4. Fan-in
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
        batch, h, w, channels = x.shape
        k, n = self.kernel, self.features
        kernel = self.param("kernel", self.kernel_init, (k, k, channels, n))
        taps = (x @ kernel.transpose(2, 0, 1, 3).reshape(channels, -1)).reshape(
            batch, h, w, k, k, n
        )
        phases = fold(fold(taps, axis=1, taps=3), axis=3, taps=4)  # (batch, h, 2, w, 2, n)
        y = phases.reshape(batch, 2 * h, 2 * w, n)
        if self.side is not None:
            y = y[:, : self.side[0], : self.side[1]]
        return y + self.param("bias", _zeros, (n,)) if self.bias else y


_zeros = nn.initializers.zeros_init()
