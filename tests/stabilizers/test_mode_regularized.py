"""Mode regularization: the encoder's terms and the manifold-diffusion phases."""

import jax
import jax.numpy as jnp
import pytest
from jax.nn import softplus
from small import (
    KEY,
    WIDTH,
    T,
    affine,
    at,
    data,
    linear_critic,
    losses_of,
    objective_of,
    phase_of,
    recipe,
    sgd,
    start,
)

from ganbench.game import Data, Players
from ganbench.stabilizers.mode_regularized import mdgan, reg_gan


def test_encoder_step_without_reconstruction_makes_the_discriminator_believe():
    batches = data()
    made = reg_gan(reconstruction=0.0, mode=0.4)(recipe(sgd(), 1e-2))
    state = start(made, batches)

    def believed(state):
        players = Players(made.nets, state)
        rebuilt = players("g", players("e", batches.real(KEY)))
        return jax.nn.sigmoid(players("d", rebuilt).score).mean()

    after, _ = phase_of(made, batches)(state, ("e",), KEY, T)
    assert believed(after) > believed(state)  # minimising +log D would lower it


#: Rows, and images: a distance summed over one axis alone is right for the first only.
shapes = pytest.mark.parametrize("shape", [(WIDTH,), (4, 4, 2)], ids=["rows", "images"])


def small_recipe(shape):
    return recipe(generator=affine(*shape), discriminator=linear_critic())


def squared_distance(x, y):
    return jnp.mean(jnp.sum(((x - y) ** 2).reshape(len(x), -1), -1))


@shapes
def test_reg_gan_losses_are_the_formula(shape):
    stabilizer = reg_gan(reconstruction=0.3, mode=0.7)
    losses, players, batches = losses_of(stabilizer, small_recipe(shape), data(shape))
    x, z = batches.real(KEY), batches.latent(KEY)
    rebuilt = players("g", players("e", x))
    regularizer = (
        0.3 * squared_distance(x, rebuilt)
        - 0.7 * jnp.log(jax.nn.sigmoid(players("d", rebuilt).score)).mean()
    )
    adversarial = softplus(-players("d", players("g", z)).score).mean()
    assert jnp.allclose(losses["e"], regularizer, rtol=1e-4)
    assert jnp.allclose(losses["g"], adversarial + regularizer, rtol=1e-4)


@shapes
def test_mdgan_losses_are_the_formula_and_phases_the_papers(shape):
    made = mdgan(mode=0.5)(recipe())
    assert made.schedule == (("d",), ("g.manifold", "e.manifold"), ("d2",), ("g.diffusion",))
    losses, players, batches = losses_of(mdgan(mode=0.5), small_recipe(shape), data(shape))
    x, z = batches.real(KEY), batches.latent(KEY)
    rebuilt, fake = players("g", players("e", x)), players("g", z)

    def log_d(name, x):
        return jax.nn.log_sigmoid(players(name, x).score).mean()

    def log_not_d(name, x):  # 1 - sigmoid(d) = sigmoid(-d)
        return jax.nn.log_sigmoid(-players(name, x).score).mean()

    manifold = squared_distance(x, rebuilt) - 0.5 * log_d("d", rebuilt)
    expected = {
        "d": -log_d("d", x) - log_not_d("d", rebuilt),
        "g.manifold": manifold,
        "e.manifold": manifold,
        "d2": -log_d("d2", rebuilt) - log_not_d("d2", fake),
        "g.diffusion": -log_d("d2", fake),
    }
    for name, value in expected.items():
        assert jnp.allclose(losses[name], value, rtol=1e-3), name


def test_mdgans_second_discriminator_takes_reconstructions_for_real():
    batches = data()
    made = mdgan()(recipe(sgd(), 1e-2))
    state = start(made, batches)

    def scores(state):
        players = Players(made.nets, state)
        rebuilt = players("g", players("e", batches.real(KEY)))
        fake = players("g", batches.latent(KEY))
        return players("d2", rebuilt).score.mean() - players("d2", fake).score.mean()

    after, _ = phase_of(made, batches)(state, ("d2",), KEY, T)
    assert scores(after) > scores(state)
    # what it takes for real is G(E(x)), not x: with E constant, other data change nothing
    blind = {name: 0 * value for name, value in state.params["e"].items()}
    blinded = at(state, e=blind)
    other = Data(lambda key: 3 + batches.real(key), batches.latent)
    losses = [objective_of(made, b)(blinded, KEY, T)[0] for b in (batches, other)]
    assert losses[0]["d2"] == losses[1]["d2"] and losses[0]["d"] != losses[1]["d"]
