"""Flax Linen modules behind the `Net` type, and what every family of nets offers and takes."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from ganbench.errors import BadInput
from ganbench.game import Net, Params


class Sizes(NamedTuple):
    """What a suite may ask of a net; all static. What depth counts is each family's to say."""

    shape: tuple[int, ...]  # of one sample: (features,) or (height, width, channels)
    latent: int  # length of the generator's input and of the encoder's output
    width: int  # units of a hidden layer; conv: channels of the 4x4 map; channels: values of each
    depth: int  # hidden dense layers; dcgan, resnet: strides of 2; at least 1
    normalized: bool | None = None  # batch normalization; None: as is usual in the family
    dropout: Any = None  # share of hidden units that discriminators drop, traced; None: no


class Family(NamedTuple):
    """One architecture in every role; the field names are the roles of `Recipe.zoo`."""

    generator: Callable[[Sizes], Net]
    discriminator: Callable[[Sizes], Net]
    encoder: Callable[[Sizes], Net]
    denoiser: Callable[[Sizes], Net]
    autoencoder: Callable[[Sizes], Net]


def checked(sizes: Sizes, family: str = "", *options: str) -> Sizes:
    """`sizes`, or BadInput naming the first that is below 1, or an option that is none of these."""
    for name in ("normalized", "dropout"):
        if getattr(sizes, name) is not None and name not in options:
            raise BadInput(f"nets {family} takes no {name}")
    for name in ("latent", "width", "depth"):
        if getattr(sizes, name) < 1:
            raise BadInput(f"{name} must be at least 1, it is {getattr(sizes, name)}")
    return sizes


def from_linen(module: nn.Module, alone: bool = True) -> Net:
    """A Linen module as a `Net`; it may take any number of inputs, each batch first.

    init(key, *inputs) -> (params, aux): the "params" collection, and a dict of all other
    collections (empty if there are none), cast to the inputs' precision, so that float64 data give
    a float64 net with the same first values.
    apply(params, aux, *inputs, key=None) -> output: `key` feeds every random stream that the module
    asks for; what the module writes into a collection is dropped, so a batch normalization that
    uses batch statistics runs and keeps no state.

    Args:
        module: static; its `__call__(*inputs)` is the net.
        alone: whether what it makes of a sample depends on that sample alone; see `Net`.

    Raises (from `apply`): flax.errors.InvalidRngError if the module draws noise and key is None.
    """

    def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
        dtype = jnp.result_type(*inputs)

        def cast(leaf: jax.Array) -> jax.Array:
            return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

        made = jax.tree.map(cast, dict(module.init(key, *inputs)))
        params = made.pop("params", {})
        return params, made

    def apply(params: Params, aux: Params, *inputs: jax.Array, key: jax.Array | None = None) -> Any:
        variables = {"params": params, **aux}
        return module.apply(variables, *inputs, rngs=key, mutable=list(aux))[0]

    return Net(init, apply, alone=alone)


def deviation(variance: float) -> Callable[..., jax.Array]:
    """A kernel's initializer that gives sqrt(variance / fan-in), for `drawn_at_once` to scale by.

    Fan-in is the product of all axes but the last: inputs of a dense layer, inputs times taps of a
    convolution.
    """

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jnp.full(shape, math.sqrt(variance / math.prod(shape[:-1])), dtype)

    return init


def drawn_at_once(module: nn.Module, alone: bool = True) -> Net:
    """`from_linen(module)` with parameters = what its init gives, times standard normals.

    One draw serves all parameters: XLA compiles each draw anew, at about a quarter of a second of
    CPU time, and a net has four to ten kernels. Vectors are no deviations, but start as they are:
    biases at 0, the scales of a normalization at 1.
    """
    net = from_linen(module, alone)

    def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
        deviations, aux = net.init(key, *inputs)
        flat, unravel = ravel_pytree(deviations)
        # drawn in float32 whatever the precision, so that a float64 run starts from the same values
        noise = jax.random.normal(key, flat.shape, jnp.float32)
        drawn = unravel(flat * noise.astype(flat.dtype))
        return jax.tree.map(lambda x, d: x if d.ndim > 1 else d, drawn, deviations), aux

    return net._replace(init=init)
