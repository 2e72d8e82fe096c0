"""Multilayer perceptrons: any data shape, any number of inputs, each flattened and all joined."""

import math
from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax

from ganbench.game import Critic, Net
from ganbench.zoo import layers
from ganbench.zoo.activation import leaky, relu
from ganbench.zoo.layers import Hidden, Made, joined, lecun, reconstruction_energy
from ganbench.zoo.linen import Family, Sizes, checked, drawn_at_once


class Generator(nn.Module):
    """(batch, latent) -> (batch, *shape): hidden rectifiers, linear; then tanh for an image."""

    shape: tuple[int, ...]
    width: int
    depth: int
    normalized: int | None = None

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        h = Hidden(self.width, self.depth, relu, self.normalized)(*inputs)
        x = nn.Dense(math.prod(self.shape), kernel_init=lecun)(h).reshape(-1, *self.shape)
        return nn.tanh(x) if len(self.shape) == 3 else x


class Autoencoder(nn.Module):
    """Inputs x -> Critic(score = ||Dec(Enc(x)) - x||_2 (batch,), features = Enc(x) (batch, code)).

    The discriminator of EBGAN (Zhao et al., ICLR 2017, arXiv 1609.03126): low energy on data. Code
    and reconstruction are linear, so that inputs outside the data's range can be reconstructed.
    """

    code: int
    reader: Callable[[], Made]
    writer: Callable[[], Made]

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> Critic:
        x = joined(*inputs)
        code = nn.Dense(self.code, kernel_init=lecun)(self.reader()(x))
        h = self.writer()(code)
        return Critic(reconstruction_energy(x, nn.Dense(x.shape[-1], kernel_init=lecun)(h)), code)


def _checked(sizes: Sizes) -> Sizes:
    return checked(sizes, "mlp", "normalized", "dropout")


def _reader(sizes: Sizes) -> Callable[[], Made]:
    """What reads samples: not normalised at its input layer, units dropped if asked."""
    first = 1 if sizes.normalized else None
    return partial(Hidden, sizes.width, sizes.depth, leaky, first, sizes.dropout)


def generator(sizes: Sizes) -> Net:
    """Latents to samples of `sizes.shape`, `depth` hidden layers of `width`; images end in tanh.

    Raises BadInput if a size is below 1, as every factory here does. Batch-normalised if asked, as
    the other nets are: those that read samples not at their input layer.
    """
    shape, _, width, depth, normalized, _ = _checked(sizes)
    return drawn_at_once(Generator(shape, width, depth, 0 if normalized else None))


def discriminator(sizes: Sizes) -> Net:
    """Samples to `Critic`, `depth` hidden layers of `width`, the last of which is the features."""
    made = layers.Discriminator(_reader(_checked(sizes)))
    return drawn_at_once(made, alone=not sizes.normalized)


def encoder(sizes: Sizes) -> Net:
    """Samples to vectors of length `latent`, `depth` hidden layers of `width`."""
    made = layers.Encoder(sizes.latent, _reader(_checked(sizes)._replace(dropout=None)))
    return drawn_at_once(made, alone=not sizes.normalized)


def denoiser(sizes: Sizes) -> Net:
    """Features to features of the same length, `depth` hidden layers of `width`."""
    return drawn_at_once(layers.Denoiser(_checked(sizes).width, sizes.depth))


def autoencoder(sizes: Sizes) -> Net:
    """Samples to `Critic` with the reconstruction energy as score and the code as features.

    Encoder and decoder have `depth` hidden layers of `width` each. The code has width // 4 entries
    (at least 1): at a width of 128 that is half of the 64 pixels of an 8x8 digit, a
    bottleneck, while a point in the plane is still held apart by EBGAN's margin alone.
    """
    code = max(1, _checked(sizes).width // 4)
    writer = partial(Hidden, sizes.width, sizes.depth, relu, 0 if sizes.normalized else None)
    return drawn_at_once(Autoencoder(code, _reader(sizes), writer), alone=not sizes.normalized)


FAMILY = Family(generator, discriminator, encoder, denoiser, autoencoder)
