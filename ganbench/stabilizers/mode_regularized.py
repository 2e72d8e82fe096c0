"""Mode-regularized GANs: an encoder shows the generator where the data are (Che et al. 2017).

d, d2 are logits, D = sigmoid(d), sp(t) = log(1 + e^t), E the encoder, so -log D = sp(-d).
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jax.nn import softplus

from ganbench.game import Critic, Data, Game, Players, Recipe, Stabilizer, initialise
from ganbench.parts import (
    generated,
    judge_generated,
    judge_real,
    with_encoder_init,
    with_player,
)
from ganbench.seeds import fold_name
from ganbench.stabilizers.nonsaturating import discriminator_loss


def _with_second_discriminator_init(nets, data: Data, key: jax.Array) -> dict:
    second = initialise(nets, key, "d2", data.real(key))
    return {**with_encoder_init(nets, data, key), "d2": second}


def _reconstruct(players: Players, data: Data, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """G(E(x)) of this phase's real batch, and the mean squared distance |x - G(E(x))|^2."""
    x = data.real(key)
    code = players("e", x, key=fold_name(key, "e"))
    made = players("g", code, key=fold_name(key, "g on code"))
    return made, jnp.mean(jnp.sum((x - made).reshape(x.shape[0], -1) ** 2, axis=-1))


def reg_gan(
    reconstruction: Annotated[float, Ge(0)] = 0.2, mode: Annotated[float, Ge(0)] = 0.4
) -> Stabilizer:
    """Adds reconstruction and a reward for reconstructions that the discriminator believes.

    Formula:
        L_D = E_x sp(-d(x)) + E_z sp(d(G(z)));  L_G = E_z sp(-d(G(z))) + R;  L_E = R, with
        R = E_x [reconstruction |x - G(E(x))|^2 - mode log D(G(E(x)))].
        The last sign rewards D(G(E(x))) -> 1; minimising +log D, as public ports do, does the
        opposite.

    Args:
        reconstruction: lambda_1, >= 0, per unit of squared distance summed over a sample; traced.
        mode: lambda_2, >= 0; traced.

    Reference:
        Che, Li, Jacob, Bengio, Li, "Mode Regularized Generative Adversarial Networks", ICLR 2017,
        arXiv 1612.02136, section 3.1; 0.2 and 0.4 as the MDGAN port of the Bures-GAN repository
        quotes section 4.1.1 (not checked against the paper itself).
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        real, fake = judge_real(players, data, key), judge_generated(players, data, key)
        rebuilt, distance = _reconstruct(players, data, key)
        believed = players("d", rebuilt, key=fold_name(key, "d on rebuilt"))
        regularizer = reconstruction * distance + mode * softplus(-believed.score).mean()
        adversarial = softplus(-fake.score).mean()
        made = {
            "d": discriminator_loss(real, fake),
            "g": adversarial + regularizer,
            "e": regularizer,
        }
        return made, {"e/reconstruction": distance}

    def base(recipe: Recipe) -> Recipe:
        recipe = with_player(recipe, "e", recipe.zoo["encoder"], like="g")
        return recipe._replace(game=Game(with_encoder_init, losses), schedule=(("d",), ("g", "e")))

    return base


def mdgan(mode: Annotated[float, Ge(0)] = 0.01) -> Stabilizer:
    """Manifold and diffusion steps, each with a discriminator of its own.

    Formula:
        manifold: L_d = E_x [sp(-d(x)) + sp(d(G(E(x))))];
                  L_g.manifold = L_e.manifold = E_x [|x - G(E(x))|^2 - mode log D(G(E(x)))].
        diffusion: L_d2 = E_x sp(-d2(G(E(x)))) + E_z sp(d2(G(z))), with G(E(x)) as the real side;
                  L_g.diffusion = E_z sp(-d2(G(z))).
        Four phases: d; g.manifold with e.manifold; d2; g.diffusion. A step is all four, so G moves
        twice a step where other methods move it once.

    Args:
        mode: lambda, >= 0; traced.

    Reference:
        Che, Li, Jacob, Bengio, Li, "Mode Regularized Generative Adversarial Networks", ICLR 2017,
        arXiv 1612.02136, section 3.3 and appendix A; 0.01 is the weight of the only public port
        found (`MDGANv2` of the Bures-GAN repository).
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        rebuilt, distance = _reconstruct(players, data, key)
        d_real = judge_real(players, data, key)
        d_rebuilt: Critic = players("d", rebuilt, key=fold_name(key, "d on rebuilt"))
        d2_rebuilt: Critic = players("d2", rebuilt, key=fold_name(key, "d2 on rebuilt"))
        d2_fake = players(
            "d2", generated(players, data, key), key=fold_name(key, "d2 on generated")
        )
        manifold = distance + mode * softplus(-d_rebuilt.score).mean()
        made = {
            "d": discriminator_loss(d_real, d_rebuilt),
            "g.manifold": manifold,
            "e.manifold": manifold,
            "d2": discriminator_loss(d2_rebuilt, d2_fake),
            "g.diffusion": softplus(-d2_fake.score).mean(),
        }
        return made, {"e.manifold/reconstruction": distance}

    def base(recipe: Recipe) -> Recipe:
        recipe = with_player(recipe, "e", recipe.zoo["encoder"], like="g")
        recipe = with_player(recipe, "d2", recipe.zoo["discriminator"], like="d")
        recipe = recipe.claim("mdgan", "generator's one loss", "lone discriminator")
        return recipe._replace(
            game=Game(_with_second_discriminator_init, losses),
            schedule=(("d",), ("g.manifold", "e.manifold"), ("d2",), ("g.diffusion",)),
        )

    return base
