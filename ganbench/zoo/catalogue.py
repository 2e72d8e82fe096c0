"""The families of nets that a suite can name."""

from collections.abc import Callable
from typing import NamedTuple

from ganbench.errors import BadInput, choices
from ganbench.game import Net
from ganbench.zoo import channels, conv, mlp
from ganbench.zoo.linen import Sizes as Sizes

Factory = Callable[[Sizes], Net]


class Family(NamedTuple):
    """One architecture in every role; the field names are the roles of `Recipe.zoo`."""

    generator: Factory
    discriminator: Factory
    encoder: Factory
    denoiser: Factory
    autoencoder: Factory


NETS: dict[str, Family] = {
    "mlp": Family(mlp.generator, mlp.discriminator, mlp.encoder, mlp.denoiser, mlp.autoencoder),
    "conv": Family(
        conv.generator, conv.discriminator, conv.encoder, conv.denoiser, conv.autoencoder
    ),
    "channels": Family(
        channels.generator,
        channels.discriminator,
        channels.encoder,
        channels.denoiser,
        channels.autoencoder,
    ),
}


def zoo(family: str, sizes: Sizes) -> dict[str, Net]:
    """The net of each role ("generator", "discriminator", ...) of `family` at `sizes`.

    Args:
        family: a key of `NETS`; static.
        sizes: shape of a sample, latent length, width and depth; static.

    Raises:
        BadInput: unknown family, a size below 1, or a shape that the family does not take.
    """
    if family not in NETS:
        raise BadInput(f"nets: no family {family!r}; families: {choices(NETS)}")
    return {role: factory(sizes) for role, factory in NETS[family]._asdict().items()}
