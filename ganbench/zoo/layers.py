"""What the nets of every family are made of.

Initialisation is He's (variance 2 / fan-in; He et al., ICCV 2015, arXiv 1502.01852) before a
rectifier, which keeps the activations' size at any depth, and LeCun's (1 / fan-in) before a linear
output; biases start at 0. Orthogonal matrices of gain sqrt(2) have the same scale, but need a QR
decomposition per layer and lane. A module's own init gives the deviations; the factories draw all
weights at once (`drawn_at_once`), so take nets from them, not from `from_linen`.

What reads samples (discriminator, encoder) uses leaky rectifiers of slope 0.2, so that a generator
gets a gradient through every unit (Radford et al., ICLR 2016, arXiv 1511.06434); what writes
(generator, decoder, denoiser) uses rectifiers.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from ganbench.game import Critic
from ganbench.zoo.activation import relu
from ganbench.zoo.linen import deviation
from ganbench.zoo.regularization import BatchNorm, Dropout

Made = Callable[..., jax.Array]  # a module, or what is called like one

he, lecun = deviation(2.0), deviation(1.0)


def joined(*inputs: jax.Array) -> jax.Array:
    """The inputs flattened per sample and concatenated: (batch, total)."""
    return jnp.concatenate([x.reshape(x.shape[0], -1) for x in inputs], axis=-1)


def parted(*inputs: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
    """The images among the inputs, joined on their channels, and the vectors."""
    images = jnp.concatenate([x for x in inputs if x.ndim == 4], axis=-1)
    return images, [x for x in inputs if x.ndim != 4]


def reconstruction_energy(x: jax.Array, reconstruction: jax.Array) -> jax.Array:
    """||reconstruction - x||_2 of each sample: neither squared nor averaged over its entries.

    Both (batch, n); returns (batch,). The gradient at exact reconstruction is 0 (a subgradient),
    where that of a plain square root is NaN.
    """
    squared = jnp.sum(jnp.square(reconstruction - x), axis=-1)
    apart = squared > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, squared, 1.0)), 0.0)


class Hidden(nn.Module):
    """`depth` dense layers of `width` units, each followed by `activation`, on joined inputs.

    Layers from number `normalized` on, if given, have a batch normalization in the place of a bias;
    a `dropout` rate, if given, drops units of each layer.
    """

    width: int
    depth: int
    activation: Callable[[jax.Array], jax.Array]
    normalized: int | None = None
    dropout: Any = None

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        h = joined(*inputs)
        for layer in range(self.depth):
            bare = self.normalized is None or layer < self.normalized
            h = nn.Dense(self.width, kernel_init=he, use_bias=bare)(h)
            h = self.activation(h if bare else BatchNorm()(h))
            h = h if self.dropout is None else Dropout(self.dropout)(h)
        return h


class Discriminator(nn.Module):
    """Inputs -> Critic(score (batch,), features): the features are what `reader()` makes of them.

    `reader` makes a module, inputs -> (batch, features), that ends in a rectifier.
    """

    reader: Callable[[], Made]
    weights: nn.initializers.Initializer = lecun  # of the score

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> Critic:
        features = self.reader()(*inputs)
        return Critic(nn.Dense(1, kernel_init=self.weights)(features)[:, 0], features)


class Encoder(nn.Module):
    """Inputs -> (batch, latent), a linear output on what `reader()` makes of them."""

    latent: int
    reader: Callable[[], Made]

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        return nn.Dense(self.latent, kernel_init=lecun)(self.reader()(*inputs))


class Denoiser(nn.Module):
    """Features (batch, n) -> (batch, n), linear output: n is inferred."""

    width: int
    depth: int

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        h = Hidden(self.width, self.depth, relu)(features)
        return nn.Dense(features.shape[-1], kernel_init=lecun)(h)
