"""The discriminator judges several samples at once (Lin et al. 2018)."""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge

from ganbench.game import Critic, Net, Params, ProtocolError, Stabilizer, compose
from ganbench.wrapping import claims, wrap_discriminators


def packed(x: jax.Array, samples: int) -> jax.Array:
    """(batch, ..., c) -> (batch // samples, ..., samples c): neighbours joined on the last axis.

    An incomplete last pack is left out.
    """
    packs = x.shape[0] // samples
    if packs == 0:
        raise ProtocolError(f"pacgan: a batch of {x.shape[0]} holds no pack of {samples} samples")
    if x.shape[0] // packs != samples:  # a pack's own slope could not be told from its neighbour's
        raise ProtocolError(
            f"pacgan: packs of {samples} leave {x.shape[0] - packs * samples} of a batch of "
            f"{x.shape[0]} over; take a batch that they divide"
        )
    apart = x[: packs * samples].reshape(packs, samples, *x.shape[1:])
    return jnp.concatenate([apart[:, i] for i in range(samples)], axis=-1)


def pacgan(samples: Annotated[int, Ge(1)] = 2) -> Stabilizer:
    """Each judgement is of a pack of independent samples, all real or all generated.

    Formula:
        d(x_1, ..., x_m) in place of d(x) in every loss, the m samples joined on their last axis
        (features of vectors, channels of images). The losses stay as they are, over batch / m
        packs; only the discriminator's first layer grows.

    Args:
        samples: m, from 1 to the batch; static. 1 is the plain method, to the bit.

    What else wraps the discriminator acts on packs if it stands before `pacgan` in the stack, on
    samples if it stands after it.

    Raises, when the method is built:
        ProtocolError: a batch that holds no pack, or leaves as many samples over as packs.

    In the suites:
        Few modes of the grid: the method learns slower, since a batch holds fewer packs than
        samples. With three times the steps the same code covers most.

    Reference:
        Lin, Khetan, Fanti, Oh, "PacGAN: The power of two samples in generative adversarial
        networks", NeurIPS 2018, arXiv 1712.04086; m = 2 is its PacGAN2.
    """

    def wrap(net: Net) -> Net:
        def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
            return net.init(key, *(packed(x, samples) for x in inputs))

        def apply(params: Params, aux: Params, *inputs: jax.Array, key=None) -> Critic:
            return net.apply(params, aux, *(packed(x, samples) for x in inputs), key=key)

        return net._replace(init=init, apply=apply)

    packs = claims("pacgan", "one judgement a sample")
    return compose(wrap_discriminators(wrap, "pacgan"), packs)
