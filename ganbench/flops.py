"""Floating-point operations of a program, inner scans multiplied out.

XLA's own analysis counts the body of a loop once, however often it runs, so the count is taken from
the program before compilation, dead code removed. Convolutions count as CPUs do them, by the
smaller of images and kernel; elsewhere a penalty's second-order ones multiply more.
"""

import math
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr
from jax.interpreters import partial_eval

from ganbench.convolution import is_swapped

#: Primitives that move or convert numbers without arithmetic on them.
_MOVES = frozenset(
    "broadcast_in_dim reshape transpose squeeze slice dynamic_slice dynamic_update_slice gather "
    "concatenate pad rev convert_element_type iota copy select_n stop_gradient random_bits "
    "random_wrap random_unwrap random_fold_in random_seed random_split split".split()
)
_REDUCTIONS = frozenset(
    "reduce_sum reduce_max reduce_min reduce_and reduce_or argmax argmin cumsum".split()
)


def _size(variable: Any) -> int:
    return math.prod(variable.aval.shape)


def _inner(equation: Any) -> list[Jaxpr]:
    found = []
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, ClosedJaxpr):
                found.append(part.jaxpr)
            elif isinstance(part, Jaxpr):
                found.append(part)
    return found


def _convolution(equation: Any, terms: int, dilation: tuple[int, ...]) -> float:
    return 2 * _size(equation.outvars[0]) * terms / math.prod(dilation)


def _own_convolution(equation: Any) -> float:
    avals: list[Any] = [variable.aval for variable in equation.invars]
    x, kernel = (aval.shape for aval in avals)
    taps, dilation = kernel[1:3], equation.params["x_dilation"]
    if is_swapped(x, kernel, equation.params["strides"]):
        taps, dilation = x[2:4], equation.params["kernel_dilation"]
    return _convolution(equation, math.prod(taps) * kernel[3], dilation)


def _count(jaxpr: Jaxpr) -> float:
    total = 0.0
    for equation in jaxpr.eqns:
        name, inner = equation.primitive.name, _inner(equation)
        if name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            variable: Any = equation.invars[0]
            terms = math.prod(variable.aval.shape[i] for i in contracted)
            total += 2 * _size(equation.outvars[0]) * terms
        elif name == "convolve":
            total += _own_convolution(equation)
        elif name == "conv_general_dilated":
            kernel: Any = equation.invars[1]
            outputs = kernel.aval.shape[equation.params["dimension_numbers"].rhs_spec[0]]
            total += _convolution(
                equation, _size(kernel) // outputs, equation.params["lhs_dilation"]
            )
        elif name == "scan":
            total += equation.params["length"] * sum(map(_count, inner))
        elif name == "cond":  # one branch runs: the dearer one is an upper bound
            total += max(map(_count, inner))
        elif inner:
            total += sum(map(_count, inner))
        elif name in _REDUCTIONS:
            total += _size(equation.invars[0])
        elif name not in _MOVES:
            total += _size(equation.outvars[0])
    return total


def flops(program: ClosedJaxpr) -> float:
    """Floating-point operations of one run of a traced program.

    A matrix product of (m, k) and (k, n) counts 2 m k n; a convolution 2 for each tap of each
    output, zeros of the pads among them but not those between dilated pixels; every other
    arithmetic operation one an element; random bits and data movement nothing.
    """
    live, _ = partial_eval.dce_jaxpr(program.jaxpr, [True] * len(program.jaxpr.outvars))
    return _count(live)
