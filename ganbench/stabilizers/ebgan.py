"""Energy-based GAN: the discriminator is an autoencoder, its energy the reconstruction error."""

from typing import Annotated

import jax.numpy as jnp
from annotated_types import Ge, Gt
from jax.nn import relu

from ganbench.game import Critic, Recipe, Stabilizer, compose
from ganbench.parts import two_player
from ganbench.wrapping import needs


def pulling_away(code):
    """The mean squared cosine between different rows of `code` (batch, width): in [0, 1].

    1 where all rows are parallel, 0 where they are orthogonal; unchanged when a row's sign flips.
    """
    # a zero row has no direction; the floor makes its cosines 0 instead of NaN
    squared = jnp.maximum(jnp.sum(code**2, axis=-1, keepdims=True), 1e-24)
    unit = code / jnp.sqrt(squared)
    cosines = (unit @ unit.T) ** 2
    n = code.shape[0]
    return (cosines.sum() - jnp.trace(cosines)) / (n * (n - 1))


def _energy_game(margin, weight, by: str) -> Stabilizer:
    def d_loss(real: Critic, fake: Critic):
        return real.score.mean() + relu(margin - fake.score).mean()

    def g_loss(real: Critic, fake: Critic):
        return fake.score.mean() + weight(fake.features)

    def autoencoder(recipe: Recipe) -> Recipe:
        nets = {**recipe.nets, "d": recipe.zoo["autoencoder"]}
        return recipe._replace(nets=nets).claim(by, "logit")

    return compose(autoencoder, two_player(d_loss, g_loss))


def ebgan(margin: Annotated[float, Gt(0)] = 10.0) -> Stabilizer:
    """An autoencoder gives data low energy and samples an energy of at least a margin.

    Formula:
        D(x) = |Dec(Enc(x)) - x|_2;  L_D = E_x D(x) + E_z [margin - D(G(z))]^+, the hinge on each
        sample;  L_G = E_z D(G(z)).

    Args:
        margin: energy that samples are pushed to, > 0, in the unit of the data's norm; traced.

    In the suites:
        Half the modes of the ring: the method. Its generator seeks low energy, wherever that is;
        `ebgan-pt` is the authors' remedy. On stacked-digits the same code covers almost five times
        what `nonsaturating` does.

    Reference:
        Zhao, Mathieu, LeCun, "Energy-based Generative Adversarial Networks", ICLR 2017,
        arXiv 1609.03126, equations 1 and 2; margin 10 is that of its MNIST grid search.
    """
    return _energy_game(margin, lambda code: 0.0, "ebgan")


def ebgan_pt(
    margin: Annotated[float, Gt(0)] = 10.0, weight: Annotated[float, Ge(0)] = 0.1
) -> Stabilizer:
    """EBGAN whose generator also keeps the codes of its samples apart (pulling-away term).

    Formula:
        L_D as in EBGAN;  L_G = E_z D(G(z)) + weight * f_PT(S),
        f_PT = 1 / (N (N - 1)) sum_i sum_{j != i} (S_i . S_j / (|S_i| |S_j|))^2, where S holds the
        codes Enc(G(z)) of the batch. The square matters: without it opposite codes are rewarded.

    Args:
        margin: energy that samples are pushed to, > 0, in the unit of the data's norm; traced.
        weight: the term's weight, >= 0; traced.

    Reference:
        Zhao, Mathieu, LeCun, "Energy-based Generative Adversarial Networks", ICLR 2017,
        arXiv 1609.03126, section 2.4 (weight 0.1).
    """
    game = _energy_game(margin, lambda code: weight * pulling_away(code), "ebgan-pt")
    return compose(game, needs("ebgan-pt", "features"))
