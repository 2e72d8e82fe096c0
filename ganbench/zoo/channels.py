"""Dense nets that read and write every channel of an image with the same weights.

For stacks of like images, such as three digits in three channels: what is learnt of one channel
serves the others. On stacked digits a net of this family learns in a thousand steps what `mlp` and
`conv` of the same cost do not in ten thousand. Any height and width; initialisation and rectifiers
are those of `mlp`.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from ganbench.errors import BadInput
from ganbench.game import Critic, Net
from ganbench.zoo import mlp
from ganbench.zoo.linen import Sizes, checked, drawn_at_once
from ganbench.zoo.mlp import Hidden, he, joined, leaky, lecun, reconstruction_energy


class Down(nn.Module):
    """Images (and vectors) -> (batch, 2 width): each channel to `width` values, then dense layers.

    Images are joined on their channels, vectors at the first layer that sees all channels.
    """

    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        x = jnp.concatenate([i for i in inputs if i.ndim == 4], axis=-1)
        h = jnp.moveaxis(x, -1, 1).reshape(x.shape[0], x.shape[-1], -1)  # (batch, channels, pixels)
        for columns in (2 * self.width, self.width):
            h = leaky(nn.Dense(columns, kernel_init=he)(h))
        vectors = [i for i in inputs if i.ndim != 4]
        return Hidden(2 * self.width, self.depth, leaky)(h, *vectors)


class Up(nn.Module):
    """Vectors -> (batch, *shape), linear: dense layers to `width` values a channel, then pixels."""

    shape: tuple[int, ...]
    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        *space, channels = self.shape
        h = Hidden(4 * self.width, self.depth, nn.relu)(*inputs)
        h = nn.relu(nn.Dense(channels * self.width, kernel_init=he)(h))
        h = h.reshape(-1, channels, self.width)
        h = nn.relu(nn.Dense(2 * self.width, kernel_init=he)(h))
        x = nn.Dense(math.prod(space), kernel_init=lecun)(h)
        return jnp.moveaxis(x.reshape(-1, channels, *space), 1, -1)


class Generator(nn.Module):
    """(batch, latent) -> (batch, *shape) in [-1, 1]."""

    shape: tuple[int, ...]
    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        return nn.tanh(Up(self.shape, self.width, self.depth)(*inputs))


class Discriminator(nn.Module):
    """Inputs -> Critic(score (batch,), features (batch, 2 width)): features = last hidden layer."""

    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> Critic:
        features = Down(self.width, self.depth)(*inputs)
        return Critic(nn.Dense(1, kernel_init=lecun)(features)[:, 0], features)


class Encoder(nn.Module):
    """Inputs -> (batch, latent), linear output."""

    latent: int
    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        return nn.Dense(self.latent, kernel_init=lecun)(Down(self.width, self.depth)(*inputs))


class Autoencoder(nn.Module):
    """Images x -> Critic(score = ||Dec(Enc(x)) - x||_2 (batch,), features = Enc(x) (batch, width)).

    As `mlp.Autoencoder`; a vector among the inputs is reconstructed from the code linearly.
    """

    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> Critic:
        images = [i for i in inputs if i.ndim == 4]
        vectors = [i for i in inputs if i.ndim != 4]
        x = jnp.concatenate(images, axis=-1)
        code = nn.Dense(self.width, kernel_init=lecun)(Down(self.width, self.depth)(*inputs))
        made = [Up(x.shape[1:], self.width, self.depth)(code)]
        made += [nn.Dense(joined(v).shape[-1], kernel_init=lecun)(code) for v in vectors]
        return Critic(reconstruction_energy(joined(x, *vectors), joined(*made)), code)


def _checked(sizes: Sizes) -> Sizes:
    if len(sizes.shape) != 3:
        raise BadInput(
            "nets channels takes images (shape (height, width, channels)), not shape "
            f"{tuple(sizes.shape)}; nets mlp takes any"
        )
    return checked(sizes)


def generator(sizes: Sizes) -> Net:
    """Latents to images in [-1, 1]: `depth` dense layers of 4 width, then each channel's own.

    Raises BadInput if a size is below 1 or `shape` is no image, as every factory here does.
    """
    return drawn_at_once(Generator(sizes.shape, *_checked(sizes)[2:]))


def discriminator(sizes: Sizes) -> Net:
    """Images to `Critic`: two layers for each channel, then `depth` of 2 width, the features."""
    return drawn_at_once(Discriminator(*_checked(sizes)[2:]))


def encoder(sizes: Sizes) -> Net:
    """Images to vectors of length `latent`: as the discriminator up to its last layer."""
    return drawn_at_once(Encoder(*_checked(sizes)[1:]))


def denoiser(sizes: Sizes) -> Net:
    """Features to features of the same length: `depth` dense layers of 2 width, as the features."""
    return mlp.denoiser(_checked(sizes)._replace(width=2 * sizes.width))


def autoencoder(sizes: Sizes) -> Net:
    """Images to `Critic` with the reconstruction energy as score and a code of `width` entries."""
    return drawn_at_once(Autoencoder(*_checked(sizes)[2:]))
