"""The fully connected nets of EBGAN's grid: so many layers of so many units, and dropout.

`depth` counts all layers of weights, the last among them: 2 is one hidden layer. `width` is of the
generator's hidden layers, `d_width` of the others'. Normalised by the batch but for the generator's
last layer and the discriminator's first, unless a suite says otherwise.

Reference: Zhao, Mathieu, LeCun, "Energy-based Generative Adversarial Network", ICLR 2017, arXiv
1609.03126, table 1 and appendix A. What their layers are between is this project's reading.
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax

from ganbench.errors import BadInput
from ganbench.game import Critic, Net
from ganbench.zoo import layers, mlp
from ganbench.zoo.activation import leaky
from ganbench.zoo.layers import Hidden, Made, joined, lecun, reconstruction_energy
from ganbench.zoo.linen import Family, Sizes, checked, drawn_at_once


class Autoencoder(nn.Module):
    """Inputs x -> Critic(score = ||Dec(Enc(x)) - x||_2 (batch,), features = Enc(x)).

    The decoder is one linear layer, as in the paper's grid; the code is the last hidden layer.
    """

    reader: Callable[[], Made]

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> Critic:
        x = joined(*inputs)
        code = self.reader()(x)
        return Critic(
            reconstruction_energy(x, nn.Dense(x.shape[-1], kernel_init=lecun)(code)), code
        )


def _checked(sizes: Sizes) -> Sizes:
    sizes = checked(sizes, "fully-connected", "normalized", "dropout")
    if sizes.depth < 2:
        raise BadInput(f"nets fully-connected: depth must be at least 2, it is {sizes.depth}")
    return sizes._replace(normalized=sizes.normalized is not False)


def _hidden(sizes: Sizes, layers: int) -> Callable[[], Made]:
    first = 1 if sizes.normalized else None
    return partial(Hidden, sizes.width, layers, leaky, first, sizes.dropout)


def generator(sizes: Sizes) -> Net:
    """Latents to samples of `sizes.shape`, `depth` layers; images end in tanh."""
    sizes = _checked(sizes)
    first = 0 if sizes.normalized else None
    return drawn_at_once(mlp.Generator(sizes.shape, sizes.width, sizes.depth - 1, first))


def discriminator(sizes: Sizes) -> Net:
    """Samples to `Critic`, `depth` layers, the last hidden one of which is the features."""
    sizes = _checked(sizes)
    made = layers.Discriminator(_hidden(sizes, sizes.depth - 1))
    return drawn_at_once(made, alone=not sizes.normalized)


def encoder(sizes: Sizes) -> Net:
    """Samples to vectors of length `latent`, `depth` layers."""
    sizes = _checked(sizes)._replace(dropout=None)
    made = layers.Encoder(sizes.latent, _hidden(sizes, sizes.depth - 1))
    return drawn_at_once(made, alone=not sizes.normalized)


def denoiser(sizes: Sizes) -> Net:
    """Features to features of the same length, `depth` layers."""
    sizes = _checked(sizes)
    return drawn_at_once(layers.Denoiser(sizes.width, sizes.depth - 1))


def autoencoder(sizes: Sizes) -> Net:
    """Samples to `Critic` with the reconstruction energy as score: `depth` layers, one back."""
    sizes = _checked(sizes)
    made = Autoencoder(_hidden(sizes, sizes.depth))
    return drawn_at_once(made, alone=not sizes.normalized)


FAMILY = Family(generator, discriminator, encoder, denoiser, autoencoder)
