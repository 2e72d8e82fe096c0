"""Real and generated samples diffused by a random, adaptive amount (Wang et al. 2023)."""

from collections.abc import Mapping
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt, Le

from ganbench.game import Data, Players, Stabilizer, compose
from ganbench.parts import judge_real
from ganbench.seeds import fold_name
from ganbench.wrapping import disturb_samples, needs, wrap_losses

STEPS, SHORTEST = 1000, 10  # of the diffusion: T lies between them, as in the authors' code
LEAST, MOST = 1e-4, 2e-2  # beta at the first and the last of T steps, whatever T is: theirs


def kept_after(longest: jax.Array) -> jax.Array:
    """abar_1 .. abar_1000 of a diffusion of `longest` steps; those after it have no meaning."""
    beta = LEAST + (MOST - LEAST) * jnp.arange(STEPS) / (longest - 1)
    return jnp.exp(jnp.cumsum(jnp.log1p(-jnp.minimum(beta, MOST))))


def diffused(x: jax.Array, key: jax.Array, longest: jax.Array, scale) -> jax.Array:
    """sqrt(abar_t) x + sqrt(1 - abar_t) scale e, t drawn for each sample.

    t is 0 (nothing changes) for half of the samples; for the others P(t) is proportional to t, from
    1 to `longest`, a whole number.
    """
    rolled, drawn, spread = jax.random.split(key, 3)
    shape = (x.shape[0],)
    u = jax.random.uniform(drawn, shape, minval=1e-7)
    # the least t of which t (t + 1) is at least u times what it is at the last
    t = jnp.ceil((jnp.sqrt(1 + 4 * u * longest * (longest + 1)) - 1) / 2)
    t = jnp.clip(t, 1, longest).astype(jnp.int32)
    kept = jnp.where(jax.random.bernoulli(rolled, 0.5, shape), 1.0, kept_after(longest)[t - 1])
    kept = kept.reshape(-1, *(1,) * (x.ndim - 1)).astype(x.dtype)
    e = jax.random.normal(spread, x.shape, x.dtype)
    return (jnp.sqrt(kept) * x + jnp.sqrt(1 - kept) * scale * e).astype(x.dtype)


def diffusion_gan(
    scale: Annotated[float, Gt(0)] = 0.05,
    target: Annotated[float, Ge(-1), Le(1)] = 0.6,
    speed: Annotated[float, Ge(0)] = 1e-5,
) -> Stabilizer:
    """The discriminator judges diffused samples; the diffusion grows while it overfits.

    Formula:
        y = sqrt(abar_t) x + sqrt(1 - abar_t) scale e in place of x in every judgement, for real and
        generated samples alike, e ~ N(0, I), and t = 0 for half of them, else P(t) ~ t on 1..T;
        abar_t of linear beta from 1e-4 to 0.02 over the T steps. After each step
        p += sign(E_x sign(d(y)) - target) speed batch, clipped to [0, 1], T the whole part of
        10 + 990 p.

    Args:
        scale: standard deviation of the noise that is left at the end, > 0, in data units; traced.
        target: the mean sign of d on diffused data above which T grows, in [-1, 1]; traced.
        speed: change of p for each real sample seen, >= 0; traced. 1e-5 is the authors' 100
            thousand images from no to full diffusion.

    The discriminator is not told t: the authors found no significant difference (their README).

    Reference:
        Wang, Zheng, He, Chen, Zhou, "Diffusion-GAN: Training GANs with Diffusion", ICLR 2023,
        arXiv 2206.02262; constants of the authors' code (`Zhendong-Wang/Diffusion-GAN`).
    """

    def noised(x: jax.Array, key: jax.Array, p: jax.Array) -> jax.Array:
        longest = jnp.floor(SHORTEST + (STEPS - SHORTEST) * p)
        return diffused(x, fold_name(key, "diffusion"), longest, scale)

    def grown(p: jax.Array, info: Mapping[str, jax.Array]) -> jax.Array:
        return jnp.clip(p + speed * info["d/overfit"], 0.0, 1.0)

    def overfit(made: dict, info: dict, players: Players, data: Data, key, t) -> tuple[dict, dict]:
        """Adds d/overfit: the batch, with the sign of what tells that d is too sure of data."""
        score = judge_real(players, data, key).score
        sure = jnp.sign(jnp.mean(jnp.sign(score)) - target)
        return made, {**info, "d/overfit": data.real(key).shape[0] * sure}

    by, resources = "diffusion-gan", ("logit", "discriminator's input", "lone discriminator")
    return compose(
        disturb_samples(noised, grown, "p", by),
        needs(by, *resources),
        wrap_losses(overfit),
    )
