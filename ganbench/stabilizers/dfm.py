"""Denoising feature matching (Warde-Farley and Bengio 2017)."""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge

from ganbench.game import Data, Game, Players, Recipe, Stabilizer, compose
from ganbench.parts import judge_generated, judge_real, with_player, with_reader_init
from ganbench.seeds import fold_name
from ganbench.wrapping import claims, needs, wrap_losses


def _before_g(schedule: tuple) -> tuple:
    """The schedule with a phase of `r` in front of each that moves `g`, in it where `d` is too."""

    def at(phase: tuple) -> tuple:
        if "g" not in phase:
            return (phase,)
        return ((*phase, "r"),) if "d" in phase else (("r",), phase)

    return tuple(p for phase in schedule for p in at(phase))


def dfm(weight: Annotated[float, Ge(0)] = 0.03, noise: Annotated[float, Ge(0)] = 1.0) -> Stabilizer:
    """The generator's features are drawn to where a denoiser of the data's features puts them.

    Formula:
        L_r = E_x |f(x) - r(f(x) + noise e)|^2 / n, e ~ N(0, I);
        L_G += weight E_z |f(G(z)) - r(f(G(z)))|^2 / n, without corruption; f is the discriminator's
        last hidden layer of n units, r the denoiser, which moves after d and before g (with them
        where they move at once). D's loss stays as it is. G's gradient passes through r too.

    Args:
        weight: lambda_denoise times n, >= 0; traced. The paper's 0.03 / n and an adversarial weight
            of 1, as recalled, not checked: a public port has the two the other way round.
        noise: standard deviation of the corruption, >= 0, in units of the features; traced. 1, not
            annealed, as in that port (`hvy/chainer-gan-denoising-feature-matching`).

    Reference:
        Warde-Farley, Bengio, "Improving Generative Adversarial Networks with Denoising Feature
        Matching", ICLR 2017 (OpenReview S1X7nhsxl; no arXiv version).
    """

    def terms(made: dict, info: dict, players: Players, data: Data, key, t) -> tuple[dict, dict]:
        real = judge_real(players, data, key).features
        fake = judge_generated(players, data, key).features
        e = jax.random.normal(fold_name(key, "corruption"), real.shape, real.dtype)
        cleaned = players("r", real + noise * e, key=fold_name(key, "r on real"))
        drawn = players("r", fake, key=fold_name(key, "r on generated"))
        apart = jnp.mean((fake - drawn) ** 2)
        made = {**made, "g": made["g"] + weight * apart, "r": jnp.mean((real - cleaned) ** 2)}
        return made, {**info, "g/feature_distance": apart}

    def denoiser(recipe: Recipe) -> Recipe:
        recipe = with_player(recipe, "r", recipe.zoo["denoiser"], like="g")
        inner = recipe.game
        assert inner is not None, "a modifier follows its base"

        game = Game(with_reader_init(inner.init, "r"), inner.losses)
        return recipe._replace(game=game, schedule=_before_g(recipe.schedule))

    resources = "discriminator", "discriminator's input", "generator's one loss"
    own = compose(needs("dfm", *resources), claims("dfm", "features nobody else reads"))
    return compose(own, denoiser, wrap_losses(terms))
