"""The hinge loss on a linear score (Lim and Ye 2017; Tran et al. 2017)."""

from jax.nn import relu

from ganbench.game import Stabilizer, compose
from ganbench.parts import two_player
from ganbench.wrapping import claims


def hinge() -> Stabilizer:
    """The discriminator stops caring about samples on the right side of a margin of 1.

    Formula:
        L_D = E_x relu(1 - d(x)) + E_z relu(1 + d(G(z)));  L_G = -E_z d(G(z)), without a hinge.

    Args:
        None. A base.

    Reference:
        Lim, Ye, "Geometric GAN", arXiv 1705.02894 (2017); as used by Miyato et al., "Spectral
        Normalization for Generative Adversarial Networks", ICLR 2018, arXiv 1802.05957, equations
        16 and 17.
    """

    def d_loss(real, fake):
        return relu(1 - real.score).mean() + relu(1 + fake.score).mean()

    return compose(
        two_player(d_loss, lambda real, fake: -fake.score.mean()), claims("hinge", "logit")
    )
