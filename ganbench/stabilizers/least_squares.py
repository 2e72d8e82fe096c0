"""Least squares instead of logarithms (Mao et al. 2017)."""

from ganbench.game import Stabilizer, compose, require
from ganbench.parts import two_player
from ganbench.wrapping import claims


def lsgan(fake: float = 0.0, real: float = 1.0, wanted: float = 1.0) -> Stabilizer:
    """Pulls the discriminator's linear output to one label on data and to another on samples.

    Formula:
        L_D = 1/2 E_x (d(x) - real)^2 + 1/2 E_z (d(G(z)) - fake)^2;
        L_G = 1/2 E_z (d(G(z)) - wanted)^2;  d is the linear output: no sigmoid.

    Args:
        fake: a, the label of samples; traced.
        real: b, the label of data; traced.
        wanted: c, what the generator wants its samples to be taken for; traced. (0, 1, 1) is one of
            the paper's two settings; the other, (-1, 1, 0), minimises a Pearson chi^2 divergence.

    Raises, when the method is built:
        ProtocolError: the same label for data and samples.

    Reference:
        Mao, Li, Xie, Lau, Wang, Smolley, "Least Squares Generative Adversarial Networks",
        ICCV 2017, arXiv 1611.04076, equations 2 and 9.
    """

    require(real != fake, f"lsgan: real and fake are both {real}, with nothing to tell apart")

    def d_loss(on_real, on_fake):
        apart = (on_real.score - real) ** 2, (on_fake.score - fake) ** 2
        return 0.5 * (apart[0].mean() + apart[1].mean())

    def g_loss(on_real, on_fake):
        return 0.5 * ((on_fake.score - wanted) ** 2).mean()

    return compose(two_player(d_loss, g_loss), claims("lsgan", "logit"))
