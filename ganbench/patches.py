"""Images as patches, and patches' products as images: convolutions without a convolution.

XLA runs a convolution whose kernel differs between lanes as a grouped one, which on a CPU is about
ten times slower than a batched matrix product. So a convolution here is one product, with slices
before it or shifted sums after it; slices and pads are each other's transposes, so gradients of any
order stay matrix products and no scatter appears.
"""

import jax
import jax.numpy as jnp

from ganbench.convolution import same, same_up


def patches(x: jax.Array, kernel: int, stride: int) -> jax.Array:
    """(batch, h, w, c) -> (batch, h', w', kernel * kernel * c), padded as "SAME" pads."""
    outs = [-(-n // stride) for n in x.shape[1:3]]
    x = jnp.pad(x, ((0, 0), *(same(n, kernel, stride) for n in x.shape[1:3]), (0, 0)))
    rows, columns = (
        [slice(i, i + (o - 1) * stride + 1, stride) for i in range(kernel)] for o in outs
    )
    return jnp.concatenate([x[:, i, j] for i in rows for j in columns], axis=-1)


def fold(y: jax.Array, axis: int, taps: int) -> jax.Array:
    """Sum the kernel's taps (axis `taps`) of each row (axis `axis`) into the two rows it becomes.

    Tap i of input row r lands on output row 2 r + before - i: taps of one parity share a sub-pixel
    phase a, in which they are shifted by whole input rows. The phases become axis `axis + 1`.
    """
    kernel = y.shape[taps]
    rows = y.shape[axis]
    before, _ = same_up(rows, kernel, 2 * rows)  # rows before the dilated input

    def phase(a: int) -> jax.Array:
        total = jnp.zeros((), y.dtype)
        for i in range((before - a) % 2, kernel, 2):
            by = (before - i - a) // 2
            shift = [(by, -by, 0) if n == axis else (0, 0, 0) for n in range(y.ndim - 1)]
            tap = jax.lax.index_in_dim(y, i, taps, keepdims=False)
            total = total + jax.lax.pad(tap, jnp.zeros((), y.dtype), shift)
        return total

    return jnp.stack([phase(0), phase(1)], axis=axis + 1)
