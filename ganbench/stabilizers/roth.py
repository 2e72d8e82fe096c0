"""Instance noise in analytic form (Roth et al. 2017)."""

from typing import Annotated

import jax
from annotated_types import Ge, Gt, Le
from jax.nn import sigmoid

from ganbench.game import Data, Players, Recipe, Stabilizer, compose
from ganbench.parts import generated, penalty, squared_input_gradient
from ganbench.seeds import fold_name
from ganbench.wrapping import needs


def roth(
    gamma: Annotated[float, Ge(0)] = 2.0,
    decay: Annotated[float, Gt(0), Le(1)] = 0.01,
    horizon: Annotated[float, Gt(0)] = 1.0,
    every: Annotated[int, Ge(1)] = 1,
) -> Stabilizer:
    """Penalises the slope where the discriminator is unsure, as small noise on its input would.

    Formula:
        L_D += (gamma_t / 2) (E_x [(1 - D(x))^2 |grad_x d(x)|^2] + E_z [D(G(z))^2 |grad d(G(z))|^2])
        with the gradient of the logit over all pixels and gamma_t = gamma decay^(t / (horizon T))
        at step t of the training's T.

    Args:
        gamma: the weight at the first step, >= 0, the variance of the noise it stands for; traced.
        decay: what is left of it after `horizon`, in (0, 1]; 1 is no annealing; traced.
        horizon: share of the training over which it decays, > 0; traced. 1, the whole, as in the
            authors' code.
        every: the penalty is taken at every `every`-th step, `every` times as strong; static.

    Reference:
        Roth, Lucchi, Nowozin, Hofmann, "Stabilizing Training of Generative Adversarial Networks
        through Regularization", NIPS 2017, arXiv 1705.09367, equation 23 and algorithm 1; gamma 2
        as in the authors' README (`rothk/Stabilizing_GANs`), decay 0.01 as in their code.
    """

    def slopes(players: Players, data: Data, key: jax.Array) -> jax.Array:
        real = squared_input_gradient(
            players, data.real(key), fold_name(key, "d on real"), lambda d: sigmoid(-d) ** 2
        )
        fake = squared_input_gradient(
            players,
            generated(players, data, key),
            fold_name(key, "d on generated"),
            lambda d: sigmoid(d) ** 2,
        )
        return real.mean() + fake.mean()

    def stabilizer(recipe: Recipe) -> Recipe:
        def term(players: Players, data: Data, key: jax.Array, t: jax.Array) -> jax.Array:
            left = decay ** (t / (horizon * recipe.steps))
            return 0.5 * gamma * left * slopes(players, data, key)

        return penalty(term, "roth", every)(recipe)

    return compose(needs("roth", "logit"), stabilizer)
