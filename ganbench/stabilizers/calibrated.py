"""Energies calibrated by the generator's entropy (Dai et al. 2017), estimated in two ways.

c is the discriminator's output taken as a cost: low on data, the opposite of a critic.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge

from ganbench.game import Data, Game, Players, ProtocolError, Recipe, Stabilizer, initialise
from ganbench.parts import (
    generated,
    judge_generated,
    judge_real,
    two_player_init,
    with_player,
)
from ganbench.seeds import fold_name
from ganbench.stabilizers.bidirectional import gaussian


def _costs(players: Players, data: Data, key: jax.Array) -> tuple[jax.Array, jax.Array, dict]:
    """(L_D, the generator's mean cost, info)."""
    real = judge_real(players, data, key).score.mean()
    fake = judge_generated(players, data, key).score.mean()
    return real - fake, fake, {"d/real_score": real, "d/fake_score": fake}


def towards_neighbours(x: jax.Array, neighbours: int) -> jax.Array:
    """Unit vectors from each sample to the mean of its nearest neighbours in the batch.

    x (batch, ...); returns its shape. The direction in which the samples' density grows.
    """
    if x.shape[0] <= neighbours:
        raise ProtocolError(
            f"egan-ent-nn: {neighbours} neighbours need a larger batch than {x.shape[0]}"
        )
    flat = x.reshape(x.shape[0], -1)
    apart = jnp.sum((flat[:, None] - flat[None]) ** 2, axis=-1)
    apart = jnp.where(jnp.eye(x.shape[0], dtype=bool), jnp.inf, apart)  # none is its own neighbour
    _, nearest = jax.lax.top_k(-apart, neighbours)
    pull = flat[nearest].mean(1) - flat
    norm = jnp.linalg.norm(pull, axis=-1, keepdims=True)
    return (pull / jnp.maximum(norm, 1e-12)).reshape(x.shape)


def egan_ent_nn(
    weight: Annotated[float, Ge(0)] = 0.1, neighbours: Annotated[int, Ge(1)] = 20
) -> Stabilizer:
    """A cost of samples, and a generator that pushes each sample away from its neighbours.

    Formula:
        L_D = E_x c(x) - E_z c(G(z));  L_G = E_z c(G(z)) + weight E_i u_i . G(z_i), where
        u_i = (mu_i - G(z_i)) / |mu_i - G(z_i)| is constant to the gradient and mu_i the mean of the
        nearest neighbours of G(z_i) in the batch: minus the gradient of the samples' entropy.

    Args:
        weight: alpha, >= 0, in units of c over units of data; traced. 0.1 is ours: the paper names
            none, its code another for each data set.
        neighbours: k, from 1 to the batch less one; static. As in the authors' code.

    Raises, when the method is built:
        ProtocolError: a batch of no more samples than neighbours.

    Reference:
        Dai, Almahairi, Bachman, Hovy, Courville, "Calibrating Energy-based Generative Adversarial
        Networks", ICLR 2017, arXiv 1702.01691, equations 10 and 11; k of the authors' code
        (`zihangdai/cegan_iclr2017`).
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        d, cost, info = _costs(players, data, key)
        x = generated(players, data, key)
        pull = jax.lax.stop_gradient(towards_neighbours(x, neighbours))
        density = jnp.sum((pull * x).reshape(x.shape[0], -1), axis=-1).mean()
        return {"d": d, "g": cost + weight * density}, info

    def base(recipe: Recipe) -> Recipe:
        game = Game(two_player_init, losses)
        return recipe._replace(game=game).claim("logit", "egan-ent-nn")

    return base


def egan_ent_vi(weight: Annotated[float, Ge(0)] = 0.1) -> Stabilizer:
    """A cost of samples, and a generator from whose samples the latents can be told.

    Formula:
        L_D = E_x c(x) - E_z c(G(z));  L_G = E_z c(G(z)) + weight N;  L_E = N,
        N = -E_z log q(z | G(z)), q a normal distribution that the encoder gives: an upper bound of
        the latents' entropy given the samples, so that -N bounds the samples' entropy from below.

    Args:
        weight: of the bound, >= 0; traced. 0.1 is ours: the paper's objective has 1 with a cost
            that its code keeps small by a penalty on c^2.

    Reference:
        Dai, Almahairi, Bachman, Hovy, Courville, "Calibrating Energy-based Generative Adversarial
        Networks", ICLR 2017, arXiv 1702.01691, equation 16.
    """

    def init(nets, data: Data, key: jax.Array) -> dict:
        encoder = initialise(nets, key, "e", data.real(key))
        return {**two_player_init(nets, data, key), "e": encoder}

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        d, cost, info = _costs(players, data, key)
        x, z = generated(players, data, key), data.latent(key)
        mean, log_variance = players("e", x, key=fold_name(key, "e"))
        likely = (z - mean) ** 2 / jnp.exp(log_variance) + log_variance + jnp.log(2 * jnp.pi)
        surprise = 0.5 * jnp.sum(likely, axis=-1).mean()
        return {"d": d, "g": cost + weight * surprise, "e": surprise}, info

    def base(recipe: Recipe) -> Recipe:
        recipe = with_player(recipe, "e", gaussian(recipe.zoo["encoder"]), like="g")
        recipe = recipe.claim("logit", "egan-ent-vi")
        return recipe._replace(game=Game(init, losses), schedule=(("d",), ("g", "e")))

    return base
