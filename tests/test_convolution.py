"""Convolutions against JAX's own: values, derivatives of two orders, lanes, lowering."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganbench.convolution import ORDER, convolve, same
from ganbench.flops import flops

# side, kernel, stride, dilation of the images, of the kernel
SHAPES = [(5, 3, 2, 1, 1), (7, 4, 2, 1, 1), (8, 1, 3, 1, 1), (7, 4, 1, 2, 1), (8, 3, 3, 1, 2)]


def forms(side, kernel, stride, x_dilation, kernel_dilation):
    """Ours and JAX's, of one shape; its pads differ between rows and columns."""
    pads = [same((side - 1) * x_dilation + 1, (kernel - 1) * kernel_dilation + 1, stride), (1, 2)]

    def two(d):
        return (d, d)

    def ours(x, w):
        return convolve(x, w, pads, two(stride), two(x_dilation), two(kernel_dilation))

    def theirs(x, w):
        return jax.lax.conv_general_dilated(
            x, w, two(stride), pads, two(x_dilation), two(kernel_dilation), dimension_numbers=ORDER
        )

    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, side, side + 1, 2)), rng.normal(size=(kernel, kernel, 2, 4))
    return ours, theirs, jnp.asarray(x), jnp.asarray(w)


def slope(form):
    """A scalar of a convolution's first derivatives, of which all second ones are asked."""

    def of(x, w):
        def value(x, w):
            return jnp.sum(jnp.tanh(form(x, w)) * jnp.arange(4))

        by_x, by_w = jax.grad(value, (0, 1))(x, w)
        return jnp.sum(by_x**2 * jnp.cos(by_x)) + jnp.sum(by_w**2)

    return of


def close(mine, reference):
    for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(reference), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_derivatives_are_those_of_jax(shape):
    with jax.enable_x64(True):
        ours, theirs, x, w = forms(*shape)
        close(ours(x, w), theirs(x, w))
        mine, reference = (jax.jit(jax.grad(slope(form), (0, 1)))(x, w) for form in (ours, theirs))
        close(mine, reference)
        along = jnp.ones_like(x), jnp.cos(w)
        close(jax.jvp(ours, (x, w), along), jax.jvp(theirs, (x, w), along))


@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_lanes_are_those_of_jax(axes):
    with jax.enable_x64(True):
        ours, theirs, x, w = forms(7, 4, 2, 1, 1)
        given = [
            jnp.stack([y, 2 - y, y + 1]) if axis == 0 else y
            for y, axis in zip((x, w), axes, strict=True)
        ]
        mine, reference = (
            jax.jit(jax.vmap(jax.grad(slope(form), (0, 1)), axes))(*given)
            for form in (ours, theirs)
        )
        close(mine, reference)


@pytest.mark.parametrize("pads", [[(-1, 2), (0, -2)], [(1, -1), (-2, -1)]])
@pytest.mark.parametrize("dilation", [(1, 1), (1, 2)])
def test_pads_below_zero_cut(pads, dilation):
    """Sides, strides and dilations that differ between rows and columns."""
    rng = np.random.default_rng(1)
    with jax.enable_x64(True):
        x, w = (
            jnp.asarray(rng.normal(size=(2, 7, 6, 3))),
            jnp.asarray(rng.normal(size=(2, 3, 3, 4))),
        )

        def ours(x, w):
            return convolve(x, w, pads, (2, 1), dilation)

        def theirs(x, w):
            return jax.lax.conv_general_dilated(
                x, w, (2, 1), pads, dilation, dimension_numbers=ORDER
            )

        close(ours(x, w), theirs(x, w))
        mine, reference = (jax.jit(jax.grad(slope(form), (0, 1)))(x, w) for form in (ours, theirs))
        close(mine, reference)


def test_it_runs_without_jit_and_names_what_is_not_a_number():
    x, w = jnp.ones((1, 4, 4, 2)), jnp.ones((2, 2, 2, 3))

    def form(x):
        return convolve(x, w, [(0, 0)] * 2)

    with jax.disable_jit():
        np.testing.assert_array_equal(form(x), jnp.full((1, 3, 3, 3), 8.0))
    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        jax.jit(form)(x.at[0, 0, 0, 0].set(jnp.nan))


def test_lanes_within_lanes():
    with jax.enable_x64(True):
        ours, theirs, x, w = forms(5, 3, 2, 1, 1)
        given = jnp.stack([x, -x]), jnp.stack([w, w + 1, 2 * w])

        def twice(form):
            return jax.jit(jax.vmap(jax.vmap(form, (0, None)), (None, 0)))(*given)

        close(twice(ours), twice(theirs))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lanes", [1, 2])
def test_the_library_can_take_every_convolution_of_every_derivative(shape, lanes):
    """Of JAX's own some have another order, which inside loops is ten times slower."""
    ours, theirs, x, w = forms(*shape)
    given = [jnp.stack([y] * lanes) for y in (x, w)]

    def seen(form):
        traced = jax.jit(jax.vmap(jax.grad(slope(form), (0, 1)))).trace(*given)
        made = traced.lower(lowering_platforms=("cpu",)).as_text()
        return [
            re.findall(what, made) for what in (r"dim_numbers = (.*?), window", r"pad = (.*?)]]")
        ]

    orders, pads = seen(ours)
    assert set(orders) == {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"}
    assert len(pads) == len(orders) and "-" not in "".join(pads)
    assert set(seen(theirs)[0]) > set(orders)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_smaller_one_is_the_window_in_every_derivative(shape):
    """Otherwise a gradient of a gradient slides maps over padding."""
    ours, _, x, w = forms(*shape)
    traced = jax.jit(jax.grad(slope(ours), (0, 1))).trace(x, w)
    made = traced.lower(lowering_platforms=("cpu",)).as_text()
    seen = re.findall(
        r"convolution.*?stride = \[(\d), (\d)\]"
        r".*?tensor<\d+x(\d+)x(\d+)x.*?tensor<(\d+)x(\d+)x",
        made,
    )
    assert len(seen) == made.count("stablehlo.convolution") > 4
    for *strides, h, w_, rows, columns in ([int(n) for n in one] for one in seen):
        assert strides != [1, 1] or rows * columns <= h * w_
    kernel, image = jnp.ones((1, 7, 7, 2, 4)), jnp.ones((1, 3, 4, 4, 2))
    swapped = jax.make_jaxpr(lambda x, w: convolve(x[0], w[0], [(6, 6)] * 2))(image, kernel)
    assert flops(swapped) == 2 * (3 * 10 * 10 * 4) * (4 * 4 * 2)


def test_lanes_are_groups_where_there_is_no_cpu():
    ours, _, x, w = forms(*SHAPES[0])
    traced = jax.jit(jax.vmap(ours)).trace(jnp.stack([x, x]), jnp.stack([w, w]))
    groups = {
        name: re.findall("feature_group_count = (.)", made.as_text())
        for name in ("cpu", "cuda")
        for made in [traced.lower(lowering_platforms=(name,))]
    }
    assert groups == {"cpu": ["1"], "cuda": ["2"]}


def test_operations_are_those_of_the_product_that_it_is():
    x, w = jnp.zeros((2, 8, 8, 3)), jnp.zeros((4, 4, 3, 5))
    ours = jax.make_jaxpr(lambda x, w: convolve(x, w, [(1, 1)] * 2, (2, 2)))(x, w)
    assert flops(ours) == 2 * (2 * 4 * 4 * 5) * (4 * 4 * 3)
    theirs = jax.make_jaxpr(
        lambda x, w: jax.lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=ORDER)
    )(x, w)
    assert flops(theirs) == flops(ours)
    up = jax.make_jaxpr(lambda x, w: convolve(x, w, [(2, 2)] * 2, x_dilation=(2, 2)))(x, w)
    assert flops(up) == 2 * (2 * 16 * 16 * 5) * (4 * 4 * 3) / 4
