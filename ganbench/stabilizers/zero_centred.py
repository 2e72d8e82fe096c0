"""Gradient penalties with target zero (Mescheder et al. 2018)."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Annotated

import jax
from annotated_types import Ge

from ganbench.game import Data, Players, Stabilizer
from ganbench.parts import generated, penalty, squared_input_gradient
from ganbench.seeds import fold_name
from ganbench.stabilizers.wgan import interpolated

Weight = Annotated[float, Ge(0)]
Period = Annotated[int, Ge(1)]
Slopes = Callable[..., jax.Array]


def slope_at_real(players: Players, data: Data, key: jax.Array) -> jax.Array:
    """E_x |grad_x d(x)|^2 on this phase's real batch, with the noise of its judgement."""
    return squared_input_gradient(players, data.real(key), fold_name(key, "d on real")).mean()


def slope_at_generated(players: Players, data: Data, key: jax.Array) -> jax.Array:
    """E_z |grad_x d(G(z))|^2 on this phase's generated batch, with the noise of its judgement."""
    x = generated(players, data, key)
    return squared_input_gradient(players, x, fold_name(key, "d on generated")).mean()


def half_of(gamma, *slopes: Slopes) -> Slopes:
    """(players, data, key, t) -> (gamma / 2) times the sum of `slopes`."""

    def term(players: Players, data: Data, key: jax.Array, t: jax.Array) -> jax.Array:
        return 0.5 * gamma * reduce(add, [slope(players, data, key) for slope in slopes])

    return term


def r1(gamma: Weight = 20.0, every: Period = 1) -> Stabilizer:
    """Penalises the discriminator's slope at real samples.

    Formula:
        L_D += (gamma / 2) E_x |grad_x d(x)|^2, the gradient of the logit, over all pixels.

    Args:
        gamma: the penalty's weight, >= 0; traced. The authors' code has no factor 1/2 and sets 10,
            which is 20 here (`GAN_stability`, `configs/default.yaml`).
        every: the penalty is taken at every `every`-th step, `every` times as strong; static.

    In the suites:
        Few modes of ring and grid: the method's weight, which is for images. With 0.01 the same
        code covers most of both. On stacked-digits the larger weight is the better one.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?",
        ICML 2018, arXiv 1801.04406, equation 9.
    """

    return penalty(half_of(gamma, slope_at_real), "r1", every)


def r2(gamma: Weight = 20.0, every: Period = 1) -> Stabilizer:
    """Penalises the discriminator's slope at generated samples.

    Formula:
        L_D += (gamma / 2) E_z |grad_x d(G(z))|^2, the gradient of the logit, over all pixels. The
        term is in D's loss alone, so G gets no gradient from it, but by way of D where a stack
        differentiates D's moves (`unrolled`, `consensus`).

    Args:
        gamma: the penalty's weight, >= 0; traced. As for `r1`: 10 without the half in the code.
        every: the penalty is taken at every `every`-th step, `every` times as strong; static.

    In the suites:
        Few modes of ring and grid: the method's weight, as for `r1`.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?",
        ICML 2018, arXiv 1801.04406, equation 10.
    """

    return penalty(half_of(gamma, slope_at_generated), "r2", every)


def r1r2(gamma: Weight = 20.0, every: Period = 1) -> Stabilizer:
    """Penalises the discriminator's slope at real and at generated samples.

    Formula:
        L_D += (gamma / 2) (E_x |grad_x d(x)|^2 + E_z |grad_x d(G(z))|^2), over all pixels.

    Args:
        gamma: the weight of both penalties, >= 0; traced. As for `r1`, of which it is the default;
            R3GAN's are given with `r3gan`.
        every: the penalty is taken at every `every`-th step, `every` times as strong; static.

    In the suites:
        Few modes of ring and grid: the method's weight, as for `r1`.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?",
        ICML 2018, arXiv 1801.04406; both together: Huang et al., "The GAN is dead; long live the
        GAN!", NeurIPS 2024, arXiv 2501.05441, section 2.2.
    """

    return penalty(half_of(gamma, slope_at_real, slope_at_generated), "r1r2", every)


def wgan_gp0(weight: Weight = 10.0, every: Period = 1) -> Stabilizer:
    """Penalises the discriminator's slope between data and samples: WGAN-GP's points, target zero.

    Formula:
        L_D += weight E_x^ |grad_x^ d(x^)|^2,  x^ = eps x + (1 - eps) G(z), one eps ~ U[0, 1] per
        sample, over all pixels.

    Args:
        weight: the penalty's weight, >= 0, without a factor 1/2; traced. 10 is `reg_param` of the
            authors' code (`GAN_stability`, `reg_type: wgangp0`).
        every: the penalty is taken at every `every`-th step, `every` times as strong; static.

    In the suites:
        Few modes of ring and grid: the method's weight, as for `r1`.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?",
        ICML 2018, arXiv 1801.04406, appendix D.
    """

    def term(players: Players, data: Data, key: jax.Array, t: jax.Array) -> jax.Array:
        x = interpolated(players, data, key)
        slope = squared_input_gradient(players, x, fold_name(key, "d on interpolation"))
        return weight * slope.mean()

    return penalty(term, "wgan-gp0", every, more=("one judgement a sample",))
