"""The families of nets that a suite can name."""

from ganbench.errors import BadInput, choices
from ganbench.game import Net
from ganbench.zoo import channels, conv, dcgan, fully_connected, mlp, points, recurrent, resnet, toy
from ganbench.zoo.linen import Family as Family
from ganbench.zoo.linen import Sizes as Sizes

NETS: dict[str, Family] = {
    "mlp": mlp.FAMILY,
    "fully-connected": fully_connected.FAMILY,
    "conv": conv.FAMILY,
    "channels": channels.FAMILY,
    "dcgan": dcgan.FAMILY,
    "dcgan-small": dcgan.SMALL,
    "resnet": resnet.FAMILY,
    "recurrent": recurrent.FAMILY,
    "points": points.FAMILY,
    "toy": toy.FAMILY,
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
