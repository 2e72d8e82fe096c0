"""A recurrent generator against DCGAN's discriminator: nets that have nothing in common.

An LSTM of `width` units reads the same latent at every step and writes one column of the image,
from left to right. Everything that reads images is `dcgan`'s, at `d_width` and `d_depth`.

Reference: Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, arXiv 1611.02163,
section 3.2: MNIST by columns. The sizes are this project's own.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from ganbench.game import Net
from ganbench.zoo import dcgan
from ganbench.zoo.activation import relu
from ganbench.zoo.layers import Hidden, lecun
from ganbench.zoo.linen import Sizes, drawn_at_once


class Generator(nn.Module):
    """(batch, latent) -> (batch, *shape) in [-1, 1]: a dense layer, the LSTM, a column a step."""

    shape: tuple[int, ...]
    width: int

    @nn.compact
    def __call__(self, *inputs: jax.Array) -> jax.Array:
        height, steps, channels = self.shape
        z = Hidden(self.width, 1, relu)(*inputs)
        cell = nn.OptimizedLSTMCell(
            self.width,
            kernel_init=lecun,
            recurrent_kernel_init=lecun,
            dtype=z.dtype,
            param_dtype=z.dtype,  # else the carry is float32 whatever the inputs are
        )
        h = nn.RNN(cell)(jnp.repeat(z[:, None], steps, axis=1))  # (batch, steps, width)
        x = nn.tanh(nn.Dense(height * channels, kernel_init=lecun)(h))
        return jnp.moveaxis(x.reshape(-1, steps, height, channels), 1, 2)


def generator(sizes: Sizes) -> Net:
    """Latents to images in [-1, 1], a column a step. Nothing of it is ever normalised."""
    dcgan.FAMILY.discriminator(sizes)  # what it refuses
    return drawn_at_once(Generator(sizes.shape, sizes.width))


FAMILY = dcgan.FAMILY._replace(generator=generator)
