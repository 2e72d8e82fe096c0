"""The five roles of a family of nets for images, given how it reads and writes them."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax

from ganbench.game import Critic, Net
from ganbench.zoo import layers
from ganbench.zoo.layers import Made, joined, lecun, parted, reconstruction_energy
from ganbench.zoo.linen import Family, Sizes, drawn_at_once


class Architecture(NamedTuple):
    """What tells one family of image nets from another; all static.

    `reader(sizes)` is a module, images and vectors -> (batch, features), that joins the images on
    their channels and ends in a rectifier; `writer(shape, sizes)` one, vectors -> (batch, *shape),
    with a linear output; `features(sizes)` counts the reader's outputs for one image, `code(sizes)`
    the entries of an autoencoder's code; `checked` returns the sizes, with `normalized` decided, or
    raises BadInput.
    """

    reader: Callable[[Sizes], Made]
    writer: Callable[[tuple[int, ...], Sizes], Made]
    features: Callable[[Sizes], int]
    code: Callable[[Sizes], int]
    checked: Callable[[Sizes], Sizes]


class Generator(nn.Module):
    """(batch, latent) -> (batch, *shape) in [-1, 1]."""

    writer: Callable[[], Made]

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        return nn.tanh(self.writer()(*inputs))


class Autoencoder(nn.Module):
    """Images x -> Critic(score = ||Dec(Enc(x)) - x||_2 (batch,), features = Enc(x) (batch, code)).

    As `mlp.Autoencoder`; a vector among the inputs is reconstructed from the code linearly.
    """

    code: int
    reader: Callable[[], Made]
    writer: Callable[[tuple[int, ...]], Made]

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> Critic:
        x, vectors = parted(*inputs)
        code = nn.Dense(self.code, kernel_init=lecun)(self.reader()(*inputs))
        made = [self.writer(x.shape[1:])(code)]
        made += [nn.Dense(joined(v).shape[-1], kernel_init=lecun)(code) for v in vectors]
        return Critic(reconstruction_energy(joined(x, *vectors), joined(*made)), code)


def family(of: Architecture) -> Family:
    """The factories of an architecture; each raises BadInput as `of.checked` does."""

    def generator(sizes: Sizes) -> Net:
        """Latents to images in [-1, 1]."""
        sizes = of.checked(sizes)
        return drawn_at_once(Generator(partial(of.writer, sizes.shape, sizes)))

    def reading(make: Callable[[Sizes, Callable[[], Made]], nn.Module], sizes: Sizes) -> Net:
        sizes = of.checked(sizes)
        made = make(sizes, partial(of.reader, sizes))
        return drawn_at_once(made, alone=not sizes.normalized)

    def discriminator(sizes: Sizes) -> Net:
        """Images to `Critic`: the features are the last hidden layer."""
        return reading(lambda sizes, reader: layers.Discriminator(reader), sizes)

    def encoder(sizes: Sizes) -> Net:
        """Images to vectors of length `latent`: as the discriminator up to its last layer."""
        return reading(lambda sizes, reader: layers.Encoder(sizes.latent, reader), sizes)

    def denoiser(sizes: Sizes) -> Net:
        """Features to features of the same length: `depth` dense layers as wide as the features."""
        sizes = of.checked(sizes)
        return drawn_at_once(layers.Denoiser(of.features(sizes), sizes.depth))

    def autoencoder(sizes: Sizes) -> Net:
        """Images to `Critic`: the reconstruction energy as score, the code as features."""

        def made(sizes: Sizes, reader: Callable[[], Made]) -> nn.Module:
            back = sizes._replace(normalized=bool(sizes.normalized))  # as what it reads with
            return Autoencoder(of.code(sizes), reader, lambda shape: of.writer(shape, back))

        return reading(made, sizes)

    return Family(generator, discriminator, encoder, denoiser, autoencoder)
