"""Samples judged against data (Jolicoeur-Martineau 2019), and R3GAN built on it (Huang et al.).

d is the discriminator's output, sp(t) = log(1 + e^t). Both players' losses hold real and generated
samples: the generator draws a real batch too.
"""

from typing import Annotated

from annotated_types import Ge
from jax.nn import softplus

from ganbench.game import Critic, Stabilizer, compose
from ganbench.parts import adam, penalty, two_player
from ganbench.stabilizers.zero_centred import half_of, slope_at_generated, slope_at_real
from ganbench.wrapping import claims, with_direction


def _pairing(real: Critic, fake: Critic):
    return softplus(fake.score - real.score).mean()


def _paired(by: str) -> Stabilizer:
    """The losses of `rpgan`, for stabilizer `by`."""
    pairs = two_player(_pairing, lambda real, fake: _pairing(fake, real))
    return compose(pairs, claims(by, "logit"))


def rpgan() -> Stabilizer:
    """Each sample is judged against one real sample: the score that counts is the difference.

    Formula:
        L_D = E_{x, z} sp(-(d(x) - d(G(z))));  L_G = E_{x, z} sp(-(d(G(z)) - d(x))), with the i-th
        real sample of the batch against the i-th generated one.

    Args:
        None. A base.

    In the suites:
        Nothing is learnt on stacked-digits: the method without a penalty, as `r3gan`'s authors say.
        The generator makes one image of all latents, at a lower rate too; with `r1` the same code
        learns.

    Reference:
        Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard
        GAN", ICLR 2019, arXiv 1807.00734, section 4.1 (RpGAN).
    """
    return _paired("rpgan")


def _average(real: Critic, fake: Critic):
    """E_x sp(-(d(x) - E_z d(G(z)))) + E_z sp(d(G(z)) - E_x d(x))."""
    ahead = softplus(fake.score.mean() - real.score).mean()
    return ahead + softplus(fake.score - real.score.mean()).mean()


def ragan() -> Stabilizer:
    """Each sample is judged against the average of the other kind.

    Formula:
        L_D = E_x sp(-(d(x) - m_f)) + E_z sp(d(G(z)) - m_r);
        L_G = E_z sp(-(d(G(z)) - m_r)) + E_x sp(d(x) - m_f), with the batch means m_r = E_x d(x) and
        m_f = E_z d(G(z)), through which the gradient flows.

    Args:
        None. A base.

    The judgement of a sample depends on the batch; the author's first experiments had the opposite
    sign inside the second expectation. Her code halves both losses, which Adam does not feel.

    In the suites:
        Nothing is learnt on stacked-digits: as for `rpgan`.

    Reference:
        Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard
        GAN", ICLR 2019, arXiv 1807.00734, section 4.2 (RaSGAN).
    """
    return compose(two_player(_average, lambda r, f: _average(f, r)), claims("ragan", "logit"))


def r3gan(gamma: Annotated[float, Ge(0)] = 0.05, every: Annotated[int, Ge(1)] = 1) -> Stabilizer:
    """The relativistic pairing loss with both zero-centred penalties and Adam without momentum.

    Formula:
        L_D = E sp(-(d(x) - d(G(z)))) + (gamma / 2) (E_x |grad d(x)|^2 + E_z |grad d(G(z))|^2);
        L_G = E sp(-(d(G(z)) - d(x))).  Adam with b1 = 0, b2 = 0.99, eps = 1e-8.

    Args:
        gamma: the weight of both penalties, >= 0; traced. 0.05 is the authors' first value on
            CIFAR-10, from which they anneal to 0.005; the scale of the data decides what is strong.
        every: the penalties are taken at every `every`-th step, `every` times as strong; static.

    The authors anneal rate, gamma and b2 (from 0.9) on a cosine and sample from averaged weights
    (`ema`); here they are constant, b2 at its last value. Their nets are the task's here.

    Reference:
        Huang, Gokaslan, Kuleshov, Tompkin, "The GAN is dead; long live the GAN! A Modern GAN
        Baseline", NeurIPS 2024, arXiv 2501.05441, section 2; defaults of the authors' code
        (`brownvc/R3GAN`, `train.py`).
    """

    prescribed = with_direction(adam(b1=0.0, b2=0.99), "r3gan")
    slopes = half_of(gamma, slope_at_real, slope_at_generated)
    return compose(_paired("r3gan"), penalty(slopes, "r3gan", every), prescribed)
