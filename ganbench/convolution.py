"""A convolution that is fast alone and inside loops, in every order of differentiation.

XLA hands a convolution on a CPU to its library only if its axes stand in one order. Outside loops
it brings them there; inside `scan`, where all training runs, it does not, and what differentiation
makes of `jax.lax`'s convolution stands in another order: it then runs some ten times slower. So
`convolve_p` has that one order, and its transposes, with respect to images and to kernels, are
`convolve_p` again, axes moved before and after.

Lanes are a loop on a CPU, whose caches hold one lane's images and whose library has no kernel that
differs between them; elsewhere they are groups of one convolution. On a CPU, too, the smaller of
images and kernel is the window that slides over the other: a gradient of a gradient has kernels as
large as maps, which would slide over mostly padding, some thirty times slower.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

ORDER = ("NHWC", "HWIO", "NHWC")  # what XLA's library for CPUs takes


def convolve(
    x: jax.Array,
    kernel: jax.Array,
    pads: Sequence[tuple[int, int]],
    strides: Sequence[int] = (1, 1),
    x_dilation: Sequence[int] = (1, 1),
    kernel_dilation: Sequence[int] = (1, 1),
    precision: jax.lax.Precision | None = None,
) -> jax.Array:
    """(batch, h, w, in), (kh, kw, in, out) -> (batch, h', w', out): no kernel is flipped.

    Dilations put zeros between rows and columns, `pads` (below 0: cuts) zeros around what they
    leave; h' is (dilated and padded h - dilated kh) // stride + 1.
    """
    dtype = jnp.result_type(x, kernel)
    one = x[None].astype(dtype), kernel[None].astype(dtype)
    return _bind(*one, strides, pads, x_dilation, kernel_dilation, precision)[0]


def same(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """The pads of a side that leave ceil(side / stride) of it."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def same_up(side: int, kernel: int, kept: int) -> tuple[int, int]:
    """The pads of a side, dilated by 2, that leave `kept` of the 2 side rows that it becomes."""
    before = max(1, -(-kernel // 2))
    return before, kept + kernel - 2 * side - before


def _bind(
    x: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    pads: Sequence[tuple[int, int]],
    x_dilation: Sequence[int],
    kernel_dilation: Sequence[int],
    precision: jax.lax.Precision | None,
) -> jax.Array:
    """Of (lanes, ...)."""
    return convolve_p.bind(
        x,
        kernel,
        strides=tuple(strides),
        pads=tuple((low, high) for low, high in pads),
        x_dilation=tuple(x_dilation),
        kernel_dilation=tuple(kernel_dilation),
        precision=precision,
    )


def _one(x: jax.Array, kernel: jax.Array, **how: Any) -> jax.Array:
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        how["strides"],
        how["pads"],
        lhs_dilation=how["x_dilation"],
        rhs_dilation=how["kernel_dilation"],
        dimension_numbers=ORDER,
        precision=how["precision"],
    )


def _in_turn(x: jax.Array, kernel: jax.Array, **how: Any) -> jax.Array:
    swapped = is_swapped(x.shape, kernel.shape, how["strides"])
    if swapped:
        x, kernel, how = _swapped(x, kernel, how)
    x, how = _cut(x, how)
    made = _each(x, kernel, how)
    return made.transpose(0, 4, 2, 3, 1) if swapped else made


def _each(x: jax.Array, kernel: jax.Array, how: dict[str, Any]) -> jax.Array:
    if len(x) == 1:
        return _one(x[0], kernel[0], **how)[None]
    return jax.lax.map(lambda lane: _one(lane[0], lane[1], **how), (x, kernel))


def is_swapped(x: Sequence[int], kernel: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether on a CPU images and kernel of these shapes, lanes first, change places."""
    return tuple(strides) == (1, 1) and math.prod(x[2:4]) < math.prod(kernel[1:3])


def _swapped(x: jax.Array, kernel: jax.Array, how: dict[str, Any]) -> Any:
    """Images and kernel that change places: outputs are then the batch, and samples the channels.

    With i a pixel of the images, t a tap, o a pixel of the result, d_x and d_k the dilations and p
    the pad before, d_x i = o + d_k t - p; counted from the other end, by i' = I - 1 - i and
    t' = T - 1 - t, d_k t' = o + d_x i' - p', p' = p + d_x (I - 1) - d_k (T - 1).
    """
    d_x, d_k = how["x_dilation"], how["kernel_dilation"]
    more = [d_x[i] * (x.shape[2 + i] - 1) - d_k[i] * (kernel.shape[1 + i] - 1) for i in range(2)]
    pads = [(low + m, high + m) for (low, high), m in zip(how["pads"], more, strict=True)]
    images = jnp.flip(kernel, (1, 2)).transpose(0, 4, 1, 2, 3)
    window = jnp.flip(x, (2, 3)).transpose(0, 2, 3, 4, 1)
    return images, window, how | {"pads": pads, "x_dilation": d_k, "kernel_dilation": d_x}


def _cut(x: jax.Array, how: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
    """What pads below 0 cut off is cut beforehand, which the library does not do."""
    cuts = [(min(low, 0), min(high, 0)) for low, high in how["pads"]]
    if not any(min(cut) < 0 for cut in cuts):
        return x, how
    inside = [(*cut, d - 1) for cut, d in zip(cuts, how["x_dilation"], strict=True)]
    x = jax.lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0)] * 2 + inside + [(0, 0, 0)])
    pads = [(max(low, 0), max(high, 0)) for low, high in how["pads"]]
    return x, how | {"pads": pads, "x_dilation": (1, 1)}


def _in_groups(x: jax.Array, kernel: jax.Array, **how: Any) -> jax.Array:
    return jax.vmap(lambda x, kernel: _one(x, kernel, **how))(x, kernel)


def _result(x: Any, kernel: Any, **how: Any) -> Any:
    made = jax.eval_shape(partial(_in_groups, **how), x, kernel)
    return jax.core.ShapedArray(made.shape, made.dtype)


def _of_images(ct: jax.Array, x: Any, kernel: jax.Array, **how: Any) -> jax.Array:
    """What of the images a cotangent of the result is: the kernel turned about, strides dilate."""
    strides, dilation = how["strides"], how["x_dilation"]
    around = []
    for i in range(2):
        length = (x.aval.shape[2 + i] - 1) * dilation[i] + 1
        taps = (kernel.shape[1 + i] - 1) * how["kernel_dilation"][i]
        before = taps - how["pads"][i][0]
        given = (ct.shape[2 + i] - 1) * strides[i] + 1
        around.append((before, length + taps - given - before))
    turned = jnp.flip(kernel, (1, 2)).swapaxes(3, 4)
    kept = how["kernel_dilation"], how["precision"]
    return _bind(ct, turned, dilation, around, strides, *kept)


def _of_kernels(ct: jax.Array, x: jax.Array, kernel: Any, **how: Any) -> jax.Array:
    """And of the kernel: channels are the batch, samples the channels, the cotangent the kernel."""
    around = []
    for i in range(2):
        length = (x.shape[2 + i] - 1) * how["x_dilation"][i] + 1
        slid = (ct.shape[2 + i] - 1) * how["strides"][i] + 1
        taps = (kernel.aval.shape[1 + i] - 1) * how["kernel_dilation"][i]
        low = how["pads"][i][0]
        around.append((low, slid + taps - length - low))
    made = _bind(
        x.transpose(0, 4, 2, 3, 1),
        ct.transpose(0, 2, 3, 1, 4),
        how["kernel_dilation"],
        around,
        how["x_dilation"],
        how["strides"],
        how["precision"],
    )
    return made.transpose(0, 2, 3, 1, 4)


def _batched(given: Any, axes: Any, **how: Any) -> tuple[jax.Array, int]:
    """Of both: more lanes. Of images alone: a larger batch. Of kernels alone: more outputs."""
    (x, kernel), (of_x, of_kernel) = given, axes
    bind = partial(convolve_p.bind, **how)
    if of_x is not None and of_kernel is not None:
        x, kernel = jnp.moveaxis(x, of_x, 0), jnp.moveaxis(kernel, of_kernel, 0)
        outer = x.shape[:2]
        made = bind(*(y.reshape(-1, *y.shape[2:]) for y in (x, kernel)))
        return made.reshape(*outer, *made.shape[1:]), 0
    if of_x is not None:
        x = jnp.moveaxis(x, of_x, 1)
        outer = x.shape[1:3]
        made = bind(x.reshape(len(x), -1, *x.shape[3:]), kernel)
        return made.reshape(len(x), *outer, *made.shape[2:]), 1
    kernel = jnp.moveaxis(kernel, of_kernel, -2)
    outer = kernel.shape[-2:]
    made = bind(x, kernel.reshape(*kernel.shape[:-2], -1))
    return made.reshape(*made.shape[:-1], *outer), made.ndim - 1


convolve_p = Primitive("convolve")
convolve_p.def_impl(_in_turn)
convolve_p.def_abstract_eval(_result)
ad.defbilinear(convolve_p, _of_images, _of_kernels)
batching.primitive_batchers[convolve_p] = _batched
mlir.register_lowering(convolve_p, mlir.lower_fun(_in_groups, multiple_results=False))
mlir.register_lowering(convolve_p, mlir.lower_fun(_in_turn, multiple_results=False), platform="cpu")
