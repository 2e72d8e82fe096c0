"""Noise on all that the discriminator sees (Sonderby et al. 2017; Arjovsky and Bottou 2017)."""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt

from ganbench.game import Recipe, Stabilizer, player
from ganbench.seeds import fold_name
from ganbench.wrapping import disturb_samples


def instance_noise(
    sigma: Annotated[float, Ge(0)] = 0.1, horizon: Annotated[float, Gt(0)] = 1.0
) -> Stabilizer:
    """Adds normal noise to real and generated samples before they are judged, less and less.

    Formula:
        d(x + sigma_t e) in place of d(x) in every loss, e ~ N(0, I) drawn for each judgement anew;
        sigma_t = sigma max(0, 1 - t / (horizon T)), t of the training's T steps. The generator's
        gradient goes through noised samples too; samples are scored without noise.

    Args:
        sigma: standard deviation at the start, >= 0, in data units; traced. 0.1 is ours: a tenth
            of the data's range to one side.
        horizon: share of the training after which the noise is gone, > 0; traced. 1, the whole, is
            ours.

    The noise shrinks with each move of the discriminator, by a fifth as much where it moves five
    times a step. Where it takes a code beside the sample, the sample alone is noised.

    Reference:
        Sonderby, Caballero, Theis, Shi, Huszar, "Amortised MAP Inference for Image Super-
        resolution", ICLR 2017, arXiv 1610.04490, section 3.1.2; Arjovsky, Bottou, "Towards
        Principled Methods for Training Generative Adversarial Networks", ICLR 2017, arXiv
        1701.04862, section 3.
    """

    def stabilizer(recipe: Recipe) -> Recipe:
        a_step = sum("d" in map(player, phase) for phase in recipe.schedule)
        last = horizon * recipe.steps * a_step

        def noised(x: jax.Array, key: jax.Array, moves: jax.Array) -> jax.Array:
            left = jnp.maximum(0.0, 1 - moves / last)
            e = jax.random.normal(fold_name(key, "instance noise"), x.shape, x.dtype)
            return (x + sigma * left * e).astype(x.dtype)

        noise = disturb_samples(noised, lambda moves, info: moves + 1, "moves", "instance-noise")
        return noise(recipe)

    return stabilizer
