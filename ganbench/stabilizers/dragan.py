"""A unit slope around the data (Kodali et al. 2017)."""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge

from ganbench.game import Data, Players, Stabilizer
from ganbench.parts import penalty
from ganbench.seeds import fold_name
from ganbench.stabilizers.wgan import slope_penalty


def perturbed(x: jax.Array, key: jax.Array, scale) -> jax.Array:
    """x + alpha delta: delta = scale std(batch) U[0, 1) on every entry, one alpha per sample."""
    shape = (x.shape[0],) + (1,) * (x.ndim - 1)
    alpha = jax.random.uniform(fold_name(key, "alpha"), shape, x.dtype)
    delta = scale * jnp.std(x) * jax.random.uniform(fold_name(key, "delta"), x.shape, x.dtype)
    return x + alpha * delta


def dragan(
    weight: Annotated[float, Ge(0)] = 10.0,
    scale: Annotated[float, Ge(0)] = 0.5,
    every: Annotated[int, Ge(1)] = 1,
) -> Stabilizer:
    """Pulls the discriminator's slope to 1 in the neighbourhood of real samples only.

    Formula:
        L_D += weight E_x (|grad d(x + alpha delta)|_2 - 1)^2, delta = scale std(batch) U[0, 1) on
        every entry, one alpha ~ U[0, 1] per sample, so that the point lies on the segment from x to
        x + delta; the norm over all of a sample's pixels.

    Args:
        weight: lambda, >= 0; traced.
        scale: size of the perturbation in standard deviations of the batch, >= 0; traced.
        every: the penalty is taken at every `every`-th step, `every` times as strong; static.

    The perturbation is that of the authors' notebook, one-sided; the paper's is normal.

    In the suites:
        Nearly nothing is learnt on ring and grid: the method's weight, which is for images. Where
        modes lie less than one apart, so flat a discriminator cannot tell them. With 0.01 the same
        code covers most of both.

    Reference:
        Kodali, Abernethy, Hays, Kira, "On Convergence and Stability of GANs", arXiv 1705.07215
        (2017); 10 and 0.5 as in the authors' notebook (`kodalinaveen3/DRAGAN`).
    """

    def term(players: Players, data: Data, key: jax.Array, t: jax.Array) -> jax.Array:
        x = perturbed(data.real(key), fold_name(key, "perturbation"), scale)
        return slope_penalty(players, x, fold_name(key, "d on perturbation"), weight)

    return penalty(term, "dragan", every, more=("one judgement a sample",))
