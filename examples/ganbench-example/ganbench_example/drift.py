"""A stabilizer: keep the discriminator's scores from drifting away from zero."""

from typing import Annotated

import jax.numpy as jnp
from annotated_types import Ge

from ganbench import Entry, Stabilizer
from ganbench.parts import add_to_loss, judge_real


def drift(weight: Annotated[float, Ge(0)] = 1e-3) -> Stabilizer:
    """Adds the mean square of the scores on real data to the discriminator's loss.

    Formula:
        L_D + weight E_x[D(x)^2], x of the real batch

    Args:
        weight: at least 0; traced.

    Reference: Karras, Aila, Laine, Lehtinen, "Progressive Growing of GANs for Improved Quality,
    Stability, and Variation", ICLR 2018, arXiv 1710.10196, appendix A.1, there with WGAN-GP.
    """

    def term(players, data, key, t):
        return weight * jnp.mean(judge_real(players, data, key).score ** 2)

    return add_to_loss("d", term)


ENTRY = Entry(drift, "modifier")
