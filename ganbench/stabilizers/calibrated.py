"""Energies calibrated by the generator's entropy (Dai et al. 2017), estimated in two ways.

The cost of a sample is c = sp(-d), low on data and never below 0; the squares of d keep it small.
Both are those of the authors' code for `egan-ent-vi` on CIFAR-10: with c without a bound, L_D is
that of a critic which nothing keeps Lipschitz.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jax.nn import softplus

from ganbench.game import Data, Game, Players, ProtocolError, Recipe, Stabilizer
from ganbench.parts import (
    generated,
    judge_generated,
    judge_real,
    two_player_init,
    with_encoder_init,
    with_player,
)
from ganbench.seeds import fold_name
from ganbench.stabilizers.bidirectional import gaussian


def _costs(
    players: Players, data: Data, key: jax.Array, decay
) -> tuple[jax.Array, jax.Array, dict]:
    """(L_D, the generator's mean cost, info)."""
    real = judge_real(players, data, key).score
    fake = judge_generated(players, data, key).score
    kept = decay * (jnp.mean(real**2) + jnp.mean(fake**2))
    cost = softplus(-fake).mean()
    info = {"d/real_score": real.mean(), "d/fake_score": fake.mean()}
    return softplus(-real).mean() - cost + kept, cost, info


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
    weight: Annotated[float, Ge(0)] = 0.1,
    neighbours: Annotated[int, Ge(1)] = 20,
    decay: Annotated[float, Ge(0)] = 0.01,
) -> Stabilizer:
    """A cost of samples, and a generator that pushes each sample away from its neighbours.

    Formula:
        L_D = E_x c(x) - E_z c(G(z)) + decay (E_x d(x)^2 + E_z d(G(z))^2), c = sp(-d);
        L_G = E_z c(G(z)) + weight E_i u_i . G(z_i), where
        u_i = (mu_i - G(z_i)) / |mu_i - G(z_i)| is constant to the gradient and mu_i the mean of the
        nearest neighbours of G(z_i) in the batch: minus the gradient of the samples' entropy.

    Args:
        weight: alpha, >= 0, in units of c over units of data; traced. 0.1 is ours, that of
            `egan-ent-vi`: the authors' code has another for each data set, and sums over the batch.
        neighbours: k, from 1 to the batch less one; static. As in the authors' code.
        decay: weight of d^2, >= 0; traced. The authors' for `egan-ent-vi`: here they leave d as it
            is and let a player rest that is far ahead.

    Raises, when the method is built:
        ProtocolError: a batch of no more samples than neighbours.

    In the suites:
        Little is learnt on stacked-digits: the method at the task's rate. At a quarter of it and
        with twice the steps the same code learns some.

    Reference:
        Dai, Almahairi, Bachman, Hovy, Courville, "Calibrating Energy-based Generative Adversarial
        Networks", ICLR 2017, arXiv 1702.01691, as recalled; k of the authors' code
        (`zihangdai/cegan_iclr2017`).
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        d, cost, info = _costs(players, data, key, decay)
        x = generated(players, data, key)
        pull = jax.lax.stop_gradient(towards_neighbours(x, neighbours))
        density = jnp.sum((pull * x).reshape(x.shape[0], -1), axis=-1).mean()
        return {"d": d, "g": cost + weight * density}, info

    def base(recipe: Recipe) -> Recipe:
        game = Game(two_player_init, losses)
        return recipe._replace(game=game).claim("egan-ent-nn", "logit")

    return base


def egan_ent_vi(
    weight: Annotated[float, Ge(0)] = 0.1, decay: Annotated[float, Ge(0)] = 0.01
) -> Stabilizer:
    """A cost of samples, and a generator from whose samples the latents can be told.

    Formula:
        L_D = E_x c(x) - E_z c(G(z)) + decay (E_x d(x)^2 + E_z d(G(z))^2), c = sp(-d);
        L_G = E_z c(G(z)) + weight N;  L_E = N,
        N = -E_z log q(z | G(z)), q a normal distribution that the encoder gives: an upper bound of
        the latents' entropy given the samples, so that -N bounds the samples' entropy from below.

    Args:
        weight: of the bound, >= 0; traced. 0.1 is that of the authors' code on CIFAR-10.
        decay: weight of d^2, >= 0; traced. As in the authors' code on CIFAR-10.

    That code gives D a tenth of the other players' rate, where here all have the task's, and counts
    the encoder's log deviation at half its weight in log q.

    Reference:
        Dai, Almahairi, Bachman, Hovy, Courville, "Calibrating Energy-based Generative Adversarial
        Networks", ICLR 2017, arXiv 1702.01691, as recalled; defaults of
        the authors' code (`zihangdai/cegan_iclr2017`).
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        d, cost, info = _costs(players, data, key, decay)
        x, z = generated(players, data, key), data.latent(key)
        mean, log_variance = players("e", x, key=fold_name(key, "e"))
        likely = (z - mean) ** 2 / jnp.exp(log_variance) + log_variance + jnp.log(2 * jnp.pi)
        surprise = 0.5 * jnp.sum(likely, axis=-1).mean()
        return {"d": d, "g": cost + weight * surprise, "e": surprise}, info

    def base(recipe: Recipe) -> Recipe:
        recipe = with_player(recipe, "e", gaussian(recipe.zoo["encoder"]), like="g")
        recipe = recipe.claim("egan-ent-vi", "logit")
        return recipe._replace(game=Game(with_encoder_init, losses), schedule=(("d",), ("g", "e")))

    return base
