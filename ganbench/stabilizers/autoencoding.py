"""Variational autoencoders: alone (a row to compare with), and with a GAN as its measure."""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt, Le
from jax.nn import softplus

from ganbench.game import Data, Game, Players, Recipe, Stabilizer, initialise
from ganbench.parts import (
    judge_generated,
    judge_real,
    with_encoder_init,
    with_player,
)
from ganbench.seeds import fold_name
from ganbench.stabilizers.bidirectional import encoded, gaussian


def divergence(mean: jax.Array, log_variance: jax.Array) -> jax.Array:
    """KL(N(mean, exp(log_variance)) || N(0, I)) of each sample, (batch,)."""
    return 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - log_variance - 1, axis=-1)


def _encoded(players: Players, data: Data, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """E_x KL(q(z | x) || N(0, I)) and the decoder's reconstruction of this phase's batch."""
    mean, log_variance, code = encoded(players, data, key)
    rebuilt = players("g", code, key=fold_name(key, "g on code"))
    return divergence(mean, log_variance).mean(), rebuilt


def vae(scale: Annotated[float, Gt(0)] = 0.1) -> Stabilizer:
    """A variational autoencoder: no game, no discriminator, no missing modes; blurred samples.

    Formula:
        L_G = L_E = E_x [|x - G(z_x)|^2 / (2 scale^2) + KL(q(z | x) || N(0, I))], z_x ~ q(z | x), a
        normal distribution that the encoder gives. A sample is the decoder's mean G(z).

    Args:
        scale: standard deviation of the decoder's normal distribution, > 0, in data units; traced.
            0.1 is ours: a tenth of the data's range to one side.

    Reference:
        Kingma, Welling, "Auto-Encoding Variational Bayes", ICLR 2014, arXiv 1312.6114, section 3.
    """

    def init(nets, data: Data, key: jax.Array) -> dict:
        return {
            "g": initialise(nets, key, "g", data.latent(key)),
            "e": initialise(nets, key, "e", data.real(key)),
        }

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        kl, rebuilt = _encoded(players, data, key)
        x = data.real(key)
        distance = jnp.sum((x - rebuilt).reshape(x.shape[0], -1) ** 2, axis=-1).mean()
        bound = distance / (2 * scale**2) + kl
        return {"g": bound, "e": bound}, {"e/reconstruction": distance, "e/divergence": kl}

    def base(recipe: Recipe) -> Recipe:
        recipe = with_player(recipe, "e", gaussian(recipe.zoo["encoder"]), like="g")
        nets = {name: recipe.nets[name] for name in ("g", "e")}
        opts = {name: recipe.opts[name] for name in ("g", "e")}
        recipe = recipe._replace(nets=nets, opts=opts, game=Game(init, losses))
        return recipe._replace(schedule=(("g", "e"),)).claim("vae", "discriminator")

    return base


def vaegan(weight: Annotated[float, Ge(0), Le(1)] = 0.01) -> Stabilizer:
    """A variational autoencoder that measures reconstructions by a discriminator's features.

    Formula:
        x~ = G(z_x), z_x ~ q(z | x);  S = 1/2 E_x |f(x) - f(x~)|^2, f the last hidden layer of D;
        L_E = E_x KL(q(z | x) || N(0, I)) + S, without the GAN's loss;
        L_G = weight S - (1 - weight) (E_z sp(d(G(z))) + E_x sp(d(x~)));
        L_D = E_x sp(-d(x)) + (E_z sp(d(G(z))) + E_x sp(d(x~))) / 2, without S.
        x and x~ are judged with the same noise for S.

    Args:
        weight: share of reconstruction in the decoder's loss, in [0, 1]; traced. 0.01 is that of
            the authors' code, which also halves both kinds of samples in D's loss alone.

    The decoder's part in the game is the paper's: it maximises D's loss. The authors' code moves
    all three at once and lets a player rest that is far ahead; here D moves first, and none rests.
    A penalty at generated samples meets those of the prior alone.

    In the suites:
        One run of eight diverges on stacked-digits: the method at the task's rate, where a large
        step of the encoder sends its log variance beyond what an exponential holds. At a quarter of
        it and with twice the steps the same code covers nine tenths.

    Reference:
        Larsen, Sonderby, Larochelle, Winther, "Autoencoding beyond pixels using a learned
        similarity metric", ICML 2016, arXiv 1512.09300, algorithm 1; weights of the authors' code
        (`andersbll/autoencoding_beyond_pixels`, `model/aegan.py`).
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        kl, rebuilt = _encoded(players, data, key)
        real, fake = judge_real(players, data, key), judge_generated(players, data, key)
        again = players("d", rebuilt, key=fold_name(key, "d on rebuilt"))
        alike = players("d", rebuilt, key=fold_name(key, "d on real"))
        apart = (real.features - alike.features).reshape(real.features.shape[0], -1)
        similar = 0.5 * jnp.sum(apart**2, axis=-1).mean()
        caught = softplus(fake.score).mean() + softplus(again.score).mean()
        made = {
            "d": softplus(-real.score).mean() + 0.5 * caught,
            "g": weight * similar - (1 - weight) * caught,
            "e": kl + similar,
        }
        info = {"d/real_score": real.score.mean(), "d/fake_score": fake.score.mean()}
        return made, {**info, "e/divergence": kl, "e/similarity": similar}

    def base(recipe: Recipe) -> Recipe:
        recipe = with_player(recipe, "e", gaussian(recipe.zoo["encoder"]), like="g")
        recipe = recipe.need("vaegan", "features")
        return recipe._replace(game=Game(with_encoder_init, losses), schedule=(("d",), ("g", "e")))

    return base
