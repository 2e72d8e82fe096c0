"""The nets of PacGAN's and ALI's toy mixtures: batch-normalised generators, maxout discriminators.

`width` is the generator's; a discriminator's layer has half of it, each unit the largest of five
pieces, and there is one layer less. At width 400 and depth 4 these are the published nets (Lin et
al., PacGAN, NeurIPS 2018, arXiv 1712.04086; Dumoulin et al., ALI, ICLR 2017, arXiv 1606.00704):
weights N(0, 0.02^2), biases 0, none before a batch normalization. Batch normalization uses the
batch's own statistics, in training and in sampling. The authors sample with running averages of
them, which a suite comes close to by sampling in large batches (`sample_batch`).
"""

import math
from functools import partial

import flax.linen as nn
import jax

from ganbench.game import Net
from ganbench.zoo import layers, mlp
from ganbench.zoo.activation import relu
from ganbench.zoo.layers import joined
from ganbench.zoo.linen import Family, Sizes, checked, from_linen
from ganbench.zoo.regularization import BatchNorm

PIECES = 5
_weights = nn.initializers.normal(0.02)


class Generator(nn.Module):
    """(batch, latent) -> (batch, *shape): `depth` normalised rectifier layers, a linear output."""

    shape: tuple[int, ...]
    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        h = joined(*inputs)
        for _ in range(self.depth):
            h = nn.Dense(self.width, use_bias=False, kernel_init=_weights)(h)
            h = relu(BatchNorm()(h))
        x = nn.Dense(math.prod(self.shape), kernel_init=_weights)(h)
        return x.reshape(-1, *self.shape)


class Maxout(nn.Module):
    """`depth` layers of `width` units, each the largest of five linear pieces, on joined inputs."""

    width: int
    depth: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        h = joined(*inputs)
        for _ in range(self.depth):
            pieces = nn.Dense(self.width * PIECES, kernel_init=_weights)(h)
            h = pieces.reshape(-1, self.width, PIECES).max(-1)
        return h


def generator(sizes: Sizes) -> Net:
    """Latents to samples, batch-normalised."""
    return from_linen(Generator(sizes.shape, checked(sizes, "toy").width, sizes.depth))


def discriminator(sizes: Sizes) -> Net:
    """Samples to `Critic`: maxout layers of half the width, the last of which is the features."""
    width, depth = max(1, checked(sizes, "toy").width // 2), max(1, sizes.depth - 1)
    return from_linen(layers.Discriminator(partial(Maxout, width, depth), _weights))


FAMILY = Family(generator, discriminator, mlp.encoder, mlp.denoiser, mlp.autoencoder)
