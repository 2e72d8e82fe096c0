"""A gradient penalty on real data alone (Mescheder et al. 2018)."""

from typing import Annotated

import jax
from annotated_types import Ge

from ganbench.game import Data, Players, Stabilizer
from ganbench.parts import add_to_loss, squared_input_gradient
from ganbench.seeds import fold_name


def r1(gamma: Annotated[float, Ge(0)] = 20.0) -> Stabilizer:
    """Penalises the discriminator's slope at real samples.

    Formula:
        L_D += (gamma / 2) E_x |grad_x d(x)|^2, the gradient of the logit, over all pixels.

    Args:
        gamma: the penalty's weight, >= 0; traced. The authors' code has no factor 1/2 and sets 10,
            which is 20 here (`GAN_stability`, `configs/default.yaml`).

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?",
        ICML 2018, arXiv 1801.04406, equation 9.
    """

    def penalty(players: Players, data: Data, key: jax.Array, t: jax.Array) -> jax.Array:
        slope = squared_input_gradient(players, data.real(key), fold_name(key, "d on real"))
        return 0.5 * gamma * slope.mean()

    return add_to_loss("d", penalty)
