"""One number a player: the nets of games whose course is known in closed form.

A sample is a point (x, 0) of the plane, so that the players' point (theta, psi), which such a task
shows instead of samples, has a sample's shape. Everything starts at 1.
"""

import jax
import jax.numpy as jnp

from ganbench.errors import BadInput
from ganbench.game import Critic, Net, Params
from ganbench.zoo.linen import Family, Sizes, checked


def _first(*inputs: jax.Array) -> jax.Array:
    """The first coordinate of every point and all entries of the codes, joined: (batch, n)."""
    points, *codes = inputs
    return jnp.concatenate([points[:, ::2], *codes], axis=-1)


def _checked(sizes: Sizes) -> Sizes:
    if tuple(sizes.shape) != (2,):
        raise BadInput(f"nets points takes points of the plane (shape (2,)), not {sizes.shape}")
    return checked(sizes, "points")


def generator(sizes: Sizes) -> Net:
    """(batch, latent) -> (batch, 2): (theta, 0) whatever the latent. Takes shape (2,) alone."""
    _checked(sizes)

    def init(key: jax.Array, z: jax.Array) -> tuple[Params, Params]:
        return {"theta": jnp.ones((), z.dtype)}, {}

    def apply(params: Params, aux: Params, z: jax.Array, key=None) -> jax.Array:
        x = jnp.broadcast_to(params["theta"], z.shape[:1])
        return jnp.stack([x, jnp.zeros_like(x)], axis=-1)

    return Net(init, apply)


def discriminator(sizes: Sizes) -> Net:
    """Points to `Critic`: score psi x, features x."""
    _checked(sizes)

    def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
        x = _first(*inputs)
        return {"psi": jnp.ones(x.shape[1:], x.dtype)}, {}

    def apply(params: Params, aux: Params, *inputs: jax.Array, key=None) -> Critic:
        x = _first(*inputs)
        return Critic(x @ params["psi"], x)

    return Net(init, apply)


def _scaled(outputs: int | None) -> Net:
    """The first coordinates, summed if `outputs` are asked for, times one parameter each."""

    def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
        x = _first(*inputs) if outputs else inputs[0]
        return {"w": jnp.ones((outputs or x.shape[-1],), x.dtype)}, {}

    def apply(params: Params, aux: Params, *inputs: jax.Array, key=None) -> jax.Array:
        x = _first(*inputs).sum(-1, keepdims=True) if outputs else inputs[0]
        return x * params["w"]

    return Net(init, apply)


def encoder(sizes: Sizes) -> Net:
    """Points to vectors of length `latent`: w x."""
    return _scaled(_checked(sizes).latent)


def denoiser(sizes: Sizes) -> Net:
    """Features to features of the same length, each times a parameter."""
    _checked(sizes)
    return _scaled(None)


def autoencoder(sizes: Sizes) -> Net:
    """Points to `Critic`: energy |(v w - 1) x|, code w x."""
    _checked(sizes)

    def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
        x = _first(*inputs)
        return {name: jnp.ones(x.shape[1:], x.dtype) for name in ("w", "v")}, {}

    def apply(params: Params, aux: Params, *inputs: jax.Array, key=None) -> Critic:
        x = _first(*inputs)
        code = params["w"] * x
        return Critic(jnp.abs(params["v"] * code - x).sum(-1), code)

    return Net(init, apply)


FAMILY = Family(generator, discriminator, encoder, denoiser, autoencoder)
