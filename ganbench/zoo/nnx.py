"""Flax NNX modules behind the `Net` type: the nets that users bring."""

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from ganbench.errors import BadInput
from ganbench.game import Net, Params

Make = Callable[..., nnx.Module]


def from_nnx(make: Make, alone: bool = True) -> Net:
    """An NNX module as a `Net`; it may take any number of inputs, each batch first.

    init(key, *inputs) -> (params, aux): the module's `nnx.Param` variables, and all its others but
    those of random streams (empty if there are none).
    apply(params, aux, *inputs, key=None) -> output of `module(*inputs)`: `key` feeds every random
    stream of the module anew; what the module writes into its other variables is dropped, so a
    batch normalization has to use batch statistics, and there is no `nnx.SpectralNorm`, whose
    vectors would never advance: the modifier `spectral-norm` has its own.

    Args:
        make: static; `make(*inputs, rngs=rngs)` gives the module, its sizes read off the inputs'
            shapes. Called again whenever the net is traced.
        alone: whether what it makes of a sample depends on that sample alone; see `Net`.

    Raises:
        BadInput: from `init`; a batch normalization with `alone`, or with running averages, or a
            spectral one.
        ValueError: from `apply`; the module has random streams and key is None.
    """

    def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
        module = make(*inputs, rngs=nnx.Rngs(key))
        _check(module, alone)
        _, params, _, aux = _parts(module)
        return nnx.to_pure_dict(params), nnx.to_pure_dict(aux)

    def apply(params: Params, aux: Params, *inputs: jax.Array, key: jax.Array | None = None) -> Any:
        # its first values are replaced, and XLA drops what made them
        made = make(*inputs, rngs=nnx.Rngs(jax.random.key(0) if key is None else key))
        graph, own, streams, others = _parts(made)
        if streams and key is None:
            raise ValueError("the module draws random numbers: apply needs a key")
        nnx.replace_by_pure_dict(own, params)
        nnx.replace_by_pure_dict(others, aux)
        return nnx.merge(graph, own, streams, others)(*inputs)

    return Net(init, apply, alone=alone)


def _parts(module: nnx.Module) -> Any:
    """Graph, parameters, random streams, and the rest."""
    graph, *states = nnx.split(module, nnx.Param, nnx.RngState, ...)
    return graph, *states


def _check(module: nnx.Module, alone: bool) -> None:
    for path, node in nnx.iter_graph(module):
        at = f"from_nnx: {type(module).__name__}.{'.'.join(map(str, path))}"
        if isinstance(node, nnx.SpectralNorm):
            raise BadInput(f"{at}: nnx.SpectralNorm: use the modifier spectral-norm in its place")
        if isinstance(node, nnx.BatchNorm) and node.use_running_average:
            raise BadInput(f"{at}: nnx.BatchNorm must have use_running_average=False")
        if isinstance(node, nnx.BatchNorm) and alone:
            raise BadInput(f"{at}: nnx.BatchNorm joins samples: give alone=False")
