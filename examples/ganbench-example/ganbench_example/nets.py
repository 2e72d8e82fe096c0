"""A family of nets: those of `mlp`, with discriminators twice as wide."""

from ganbench.game import Net
from ganbench.zoo import mlp
from ganbench.zoo.linen import Sizes


def discriminator(sizes: Sizes) -> Net:
    """As `mlp`'s, with twice the units in every hidden layer."""
    return mlp.discriminator(sizes._replace(width=2 * sizes.width))


FAMILY = mlp.FAMILY._replace(discriminator=discriminator)
