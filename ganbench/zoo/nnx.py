"""Flax NNX modules behind the `Net` type: the nets that users bring."""

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from ganbench.game import Net, Params

Make = Callable[..., nnx.Module]


def from_nnx(make: Make, alone: bool = True) -> Net:
    """An NNX module as a `Net`; it may take any number of inputs, each batch first.

    init(key, *inputs) -> (params, aux): the module's `nnx.Param` variables, and all its others but
    those of random streams (empty if there are none).
    apply(params, aux, *inputs, key=None) -> output of `module(*inputs)`: `key` feeds every random
    stream of the module anew; what the module writes into its other variables is dropped, so a
    batch normalization has to use batch statistics (`use_running_average=False`).

    Args:
        make: static; `make(*inputs, rngs=rngs)` gives the module, its sizes read off the inputs'
            shapes. Called again whenever the net is traced.
        alone: whether what it makes of a sample depends on that sample alone; see `Net`.

    Raises (from `apply`): ValueError if the module has random streams and key is None.
    """

    def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
        _, params, _, aux = _parts(make(*inputs, rngs=nnx.Rngs(key)))
        return nnx.to_pure_dict(params), nnx.to_pure_dict(aux)

    def apply(params: Params, aux: Params, *inputs: jax.Array, key: jax.Array | None = None) -> Any:
        abstract = nnx.eval_shape(lambda: make(*inputs, rngs=nnx.Rngs(0)))
        graph, *states = _parts(abstract)
        if states[1] and key is None:
            raise ValueError("the module draws random numbers: apply needs a key")
        for state, values in zip((states[0], states[2]), (params, aux), strict=True):
            nnx.replace_by_pure_dict(state, values)
        if states[1]:
            fresh = make(*inputs, rngs=nnx.Rngs(key))
            states[1] = _parts(fresh)[2]
        return nnx.merge(graph, *states)(*inputs)

    return Net(init, apply, alone=alone)


def _parts(module: nnx.Module) -> Any:
    """Graph, parameters, random streams, and the rest."""
    graph, *states = nnx.split(module, nnx.Param, nnx.RngState, ...)
    return graph, *states
