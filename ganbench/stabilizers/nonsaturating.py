"""The original GAN, with the generator's two losses (Goodfellow et al. 2014).

d(x) is the discriminator's logit, D = sigmoid(d), sp(t) = log(1 + e^t).
"""

from jax.nn import softplus

from ganbench.game import Critic, Stabilizer
from ganbench.parts import two_player


def discriminator_loss(real: Critic, fake: Critic):
    """-E log D(x) - E log(1 - D(G(z))) = E sp(-d(x)) + E sp(d(G(z)))."""
    return softplus(-real.score).mean() + softplus(fake.score).mean()


def nonsaturating() -> Stabilizer:
    """The generator maximises log D(G(z)) instead of minimising log(1 - D(G(z))).

    Formula:
        L_D = E_x sp(-d(x)) + E_z sp(d(G(z)));  L_G = -E_z log D(G(z)) = E_z sp(-d(G(z))).

    Args:
        None. A base.

    In the suites:
        On stacked-digits half the runs end with one image of all latents, whose tanh is saturated:
        the method without a penalty, at the task's rate. A base or modifier that changes little
        fares alike.

    Reference:
        Goodfellow et al., "Generative Adversarial Nets", NIPS 2014, arXiv 1406.2661, section 3.
    """
    return two_player(discriminator_loss, lambda real, fake: softplus(-fake.score).mean())


def minimax() -> Stabilizer:
    """The zero-sum game: the generator minimises what the discriminator maximises.

    Formula:
        L_D = E_x sp(-d(x)) + E_z sp(d(G(z)));  L_G = -L_D = E_x log D(x) + E_z log(1 - D(G(z))).
        The first term of L_G has no gradient in the plain game; it has one where the generator
        looks ahead at a discriminator that depends on it (`unrolled`). The gradient vanishes where
        the discriminator is sure that samples are generated.

    Args:
        None. A base.

    In the suites:
        Little is learnt on stacked-digits: the method at the task's rate, where its gradient
        vanishes. At a quarter of it and with twice the steps the same code covers more than
        `nonsaturating`.

    Reference:
        Goodfellow et al., "Generative Adversarial Nets", NIPS 2014, arXiv 1406.2661, equation 1.
    """
    return two_player(discriminator_loss, lambda real, fake: -discriminator_loss(real, fake))
