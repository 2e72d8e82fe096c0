"""Inception-v3 as the Frechet inception distance has it, a Flax module.

It differs from the net of the paper and of torchvision where the TensorFlow graph
`inception-2015-12-05` does: average pools do not count their padding, the last block pools by
maximum, and there are 1,008 classes. Logits are without the bias: `judges.inception` says why.

References: Szegedy et al., Rethinking the Inception architecture for computer vision, CVPR 2016,
arXiv:1512.00567; the graph as the public project pytorch-fid ports it, whose names the layers bear.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.lax import Precision

CLASSES = 1008  # ImageNet's 1,000 and eight that are not used
EPSILON = 1e-3  # of every batch normalization; Flax's and PyTorch's own is 1e-5

Windows = tuple[tuple[int, int], ...]  # (height, width) each
ONE: Windows = ((1, 1),)
THREE: Windows = ((3, 3),)
FIVE: Windows = ((5, 5),)
WIDE: Windows = ((1, 7),)
TALL: Windows = ((7, 1),)
FORK: Windows = ((1, 3), (3, 1))  # side by side

average = partial(nn.avg_pool, window_shape=(3, 3), padding="SAME", count_include_pad=False)
largest = partial(nn.max_pool, window_shape=(3, 3), padding="SAME")
halved = partial(nn.max_pool, window_shape=(3, 3), strides=(2, 2))


class Layer(NamedTuple):
    """A step of a branch; one with two windows is two units, named `name`a and `name`b."""

    name: str
    width: int
    windows: Windows = ONE
    stride: int = 1


class Block(NamedTuple):
    """What a `Mixed` is made of; `pooled` is the width after the pool, None for no unit there."""

    pool: Callable[[jax.Array], jax.Array]
    pooled: int | None
    branches: Sequence[Sequence[Layer]]


def squares(pooled: int) -> Block:
    """On the 35 x 35 map; the published net's own names for its branches, here and below."""
    return Block(
        average,
        pooled,
        (
            (Layer("branch1x1", 64),),
            (Layer("branch5x5_1", 48), Layer("branch5x5_2", 64, FIVE)),
            (
                Layer("branch3x3dbl_1", 64),
                Layer("branch3x3dbl_2", 96, THREE),
                Layer("branch3x3dbl_3", 96, THREE),
            ),
        ),
    )


def crosses(width: int) -> Block:
    """On the 17 x 17 map: 7 x 7 windows as rows after columns, `width` channels between them."""
    return Block(
        average,
        192,
        (
            (Layer("branch1x1", 192),),
            (
                Layer("branch7x7_1", width),
                Layer("branch7x7_2", width, WIDE),
                Layer("branch7x7_3", 192, TALL),
            ),
            (
                Layer("branch7x7dbl_1", width),
                Layer("branch7x7dbl_2", width, TALL),
                Layer("branch7x7dbl_3", width, WIDE),
                Layer("branch7x7dbl_4", width, TALL),
                Layer("branch7x7dbl_5", 192, WIDE),
            ),
        ),
    )


def forks(pool: Callable[[jax.Array], jax.Array]) -> Block:
    """On the 8 x 8 map."""
    return Block(
        pool,
        192,
        (
            (Layer("branch1x1", 320),),
            (Layer("branch3x3_1", 384), Layer("branch3x3_2", 384, FORK)),
            (
                Layer("branch3x3dbl_1", 448),
                Layer("branch3x3dbl_2", 384, THREE),
                Layer("branch3x3dbl_3", 384, FORK),
            ),
        ),
    )


TO_17 = Block(
    halved,
    None,
    (
        (Layer("branch3x3", 384, THREE, 2),),
        (
            Layer("branch3x3dbl_1", 64),
            Layer("branch3x3dbl_2", 96, THREE),
            Layer("branch3x3dbl_3", 96, THREE, 2),
        ),
    ),
)
TO_8 = Block(
    halved,
    None,
    (
        (Layer("branch3x3_1", 192), Layer("branch3x3_2", 320, THREE, 2)),
        (
            Layer("branch7x7x3_1", 192),
            Layer("branch7x7x3_2", 192, WIDE),
            Layer("branch7x7x3_3", 192, TALL),
            Layer("branch7x7x3_4", 192, THREE, 2),
        ),
    ),
)
BLOCKS = {
    "Mixed_5b": squares(32),
    "Mixed_5c": squares(64),
    "Mixed_5d": squares(64),
    "Mixed_6a": TO_17,
    "Mixed_6b": crosses(128),
    "Mixed_6c": crosses(160),
    "Mixed_6d": crosses(160),
    "Mixed_6e": crosses(192),
    "Mixed_7a": TO_8,
    "Mixed_7b": forks(average),
    "Mixed_7c": forks(largest),  # thought an error of the graph's, and part of every FID since
}


class Unit(nn.Module):
    """Convolution without a bias, batch normalization by running statistics, rectifier."""

    width: int
    window: tuple[int, int]
    stride: int = 1
    padding: str = "SAME"

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = nn.Conv(
            self.width,
            self.window,
            self.stride,
            self.padding,
            use_bias=False,
            precision=Precision.HIGHEST,  # a GPU would otherwise round the products to TF32
            name="conv",
        )(x)
        return nn.relu(nn.BatchNorm(use_running_average=True, epsilon=EPSILON, name="bn")(x))


class Mixed(nn.Module):
    """A block's branches beside one another, their channels concatenated, the pool's last."""

    block: Block

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        ends = []
        for branch in self.block.branches:
            h = x
            for name, width, windows, stride in branch:
                names = (name,) if len(windows) == 1 else (f"{name}a", f"{name}b")
                padding = "SAME" if stride == 1 else "VALID"
                units = [
                    Unit(width, window, stride, padding, name=own)
                    for own, window in zip(names, windows, strict=True)
                ]
                h = jnp.concatenate([unit(h) for unit in units], axis=-1)
            ends.append(h)
        h = self.block.pool(x)
        if self.block.pooled is not None:
            h = Unit(self.block.pooled, (1, 1), name="branch_pool")(h)
        return jnp.concatenate([*ends, h], axis=-1)


class InceptionV3(nn.Module):
    """Images (batch, 299, 299, 3) in [-1, 1] -> features (batch, 2048), logits (batch, 1008)."""

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = Unit(32, (3, 3), 2, "VALID", name="Conv2d_1a_3x3")(x)
        x = Unit(32, (3, 3), 1, "VALID", name="Conv2d_2a_3x3")(x)
        x = halved(Unit(64, (3, 3), name="Conv2d_2b_3x3")(x))
        x = Unit(80, (1, 1), name="Conv2d_3b_1x1")(x)
        x = halved(Unit(192, (3, 3), 1, "VALID", name="Conv2d_4a_3x3")(x))
        for name, block in BLOCKS.items():
            x = Mixed(block, name=name)(x)
        features = jnp.mean(x, axis=(1, 2))
        last = nn.Dense(CLASSES, use_bias=False, precision=Precision.HIGHEST, name="fc")
        return features, last(features)
