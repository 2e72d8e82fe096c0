"""Multilayer perceptrons: any data shape, any number of inputs, each flattened and all joined.

Initialisation is He's (variance 2 / fan-in; He et al., ICCV 2015, arXiv 1502.01852) before a
rectifier, which keeps the activations' size at any depth, and LeCun's (1 / fan-in) before a linear
output; biases start at 0. Orthogonal matrices of gain sqrt(2) have the same scale, but need a QR
decomposition per layer and lane. A module's own init gives the deviations; the factories draw all
weights at once (`drawn_at_once`), so take nets from them, not from `from_linen`.

What reads samples (discriminator, encoder) uses leaky rectifiers of slope 0.2, so that a generator
gets a gradient through every unit (Radford et al., ICLR 2016, arXiv 1511.06434); what writes
(generator, decoder, denoiser) uses rectifiers.
"""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from ganbench.game import Critic, Net
from ganbench.zoo.linen import Sizes, checked, deviation, drawn_at_once

he, lecun = deviation(2.0), deviation(1.0)


def leaky(x: jax.Array) -> jax.Array:
    """max(x, 0.2 x)."""
    return nn.leaky_relu(x, 0.2)


def joined(*inputs: jax.Array) -> jax.Array:
    """The inputs flattened per sample and concatenated: (batch, total)."""
    return jnp.concatenate([x.reshape(x.shape[0], -1) for x in inputs], axis=-1)


def reconstruction_energy(x: jax.Array, reconstruction: jax.Array) -> jax.Array:
    """||reconstruction - x||_2 of each sample: neither squared nor averaged over its entries.

    Both (batch, n); returns (batch,). The gradient at exact reconstruction is 0 (a subgradient),
    where that of a plain square root is NaN.
    """
    squared = jnp.sum(jnp.square(reconstruction - x), axis=-1)
    apart = squared > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, squared, 1.0)), 0.0)


class Hidden(nn.Module):
    """`depth` dense layers of `width` units, each followed by `activation`, on joined inputs."""

    width: int
    depth: int
    activation: Callable[[jax.Array], jax.Array]

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        h = joined(*inputs)
        for _ in range(self.depth):
            h = self.activation(nn.Dense(self.width, kernel_init=he)(h))
        return h


class Generator(nn.Module):
    """(batch, latent) -> (batch, *shape): hidden rectifiers, linear; then tanh for an image."""

    shape: tuple[int, ...]
    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        h = Hidden(self.width, self.depth, nn.relu)(*inputs)
        x = nn.Dense(math.prod(self.shape), kernel_init=lecun)(h).reshape(-1, *self.shape)
        return nn.tanh(x) if len(self.shape) == 3 else x


class Discriminator(nn.Module):
    """Inputs -> Critic(score (batch,), features (batch, width)): features = last hidden layer."""

    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> Critic:
        features = Hidden(self.width, self.depth, leaky)(*inputs)
        return Critic(nn.Dense(1, kernel_init=lecun)(features)[:, 0], features)


class Encoder(nn.Module):
    """Inputs -> (batch, latent), linear output."""

    latent: int
    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        return nn.Dense(self.latent, kernel_init=lecun)(
            Hidden(self.width, self.depth, leaky)(*inputs)
        )


class Denoiser(nn.Module):
    """Features (batch, n) -> (batch, n), linear output: n is inferred."""

    width: int
    depth: int

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        return nn.Dense(features.shape[-1], kernel_init=lecun)(
            Hidden(self.width, self.depth, nn.relu)(features)
        )


class Autoencoder(nn.Module):
    """Inputs x -> Critic(score = ||Dec(Enc(x)) - x||_2 (batch,), features = Enc(x) (batch, code)).

    The discriminator of EBGAN (Zhao et al., ICLR 2017, arXiv 1609.03126): low energy on data. Code
    and reconstruction are linear, so that inputs outside the data's range can be reconstructed.
    """

    code: int
    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> Critic:
        x = joined(*inputs)
        code = nn.Dense(self.code, kernel_init=lecun)(Hidden(self.width, self.depth, leaky)(x))
        h = Hidden(self.width, self.depth, nn.relu)(code)
        return Critic(reconstruction_energy(x, nn.Dense(x.shape[-1], kernel_init=lecun)(h)), code)


def generator(sizes: Sizes) -> Net:
    """Latents to samples of `sizes.shape`, `depth` hidden layers of `width`; images end in tanh.

    Raises BadInput if a size is below 1, as every factory here does.
    """
    return drawn_at_once(Generator(sizes.shape, *checked(sizes)[2:]))


def discriminator(sizes: Sizes) -> Net:
    """Samples to `Critic`, `depth` hidden layers of `width`, the last of which is the features."""
    return drawn_at_once(Discriminator(*checked(sizes)[2:]))


def encoder(sizes: Sizes) -> Net:
    """Samples to vectors of length `latent`, `depth` hidden layers of `width`."""
    return drawn_at_once(Encoder(*checked(sizes)[1:]))


def denoiser(sizes: Sizes) -> Net:
    """Features to features of the same length, `depth` hidden layers of `width`."""
    return drawn_at_once(Denoiser(*checked(sizes)[2:]))


def autoencoder(sizes: Sizes) -> Net:
    """Samples to `Critic` with the reconstruction energy as score and the code as features.

    Encoder and decoder have `depth` hidden layers of `width` each. The code has width // 4 entries
    (at least 1): at the usual width of 128 that is half of the 64 pixels of an 8x8 digit, a
    bottleneck, while a point in the plane is still held apart by EBGAN's margin alone.
    """
    code = max(1, checked(sizes).width // 4)
    return drawn_at_once(Autoencoder(code, sizes.width, sizes.depth))
