"""Least squares, hinge, relativistic losses: by hand, on critics whose scores are known."""

import jax.numpy as jnp
import numpy as np
from jax.nn import softplus
from small import KEY, critic_of, data, direction_after, losses_of, penalty_of, recipe

from ganbench.game import Data, Net, Players
from ganbench.parts import generated
from ganbench.stabilizers.hinge import hinge
from ganbench.stabilizers.improved import feature_matching
from ganbench.stabilizers.least_squares import lsgan
from ganbench.stabilizers.relativistic import r3gan, ragan, rpgan
from ganbench.stabilizers.wgan import wasserstein, wgan, wgan_gp

REAL = jnp.array([[2.0, 1.0], [-1.0, 0.0], [0.5, 3.0]])
FAKE = jnp.array([[0.3, -1.0], [-4.0, 2.0], [1.5, 1.0]])
R, F = np.asarray(REAL[:, 0]), np.asarray(FAKE[:, 0])


def losses(stabilizer):
    """The two losses where d(x) is a sample's first entry and its features are the sample."""
    identity = Net(lambda key, z: ({"b": jnp.zeros(2)}, {}), lambda p, a, z, key=None: z + p["b"])
    batches = Data(lambda key: REAL, lambda key: FAKE)
    made = recipe(discriminator=critic_of(lambda x: x[:, 0]), generator=identity)
    return losses_of(stabilizer, made, batches)[0]


def test_least_squares_of_the_linear_output():
    made = losses(lsgan())
    assert jnp.allclose(made["d"], 0.5 * np.mean((R - 1) ** 2) + 0.5 * np.mean(F**2))
    assert jnp.allclose(made["g"], 0.5 * np.mean((F - 1) ** 2))
    made = losses(lsgan(fake=-1.0, real=1.0, wanted=0.0))
    assert jnp.allclose(made["d"], 0.5 * np.mean((R - 1) ** 2) + 0.5 * np.mean((F + 1) ** 2))
    assert jnp.allclose(made["g"], 0.5 * np.mean(F**2))


def test_the_hinge_is_the_discriminators_alone():
    made = losses(hinge())
    expected = np.maximum(0, 1 - R).mean() + np.maximum(0, 1 + F).mean()
    assert jnp.allclose(made["d"], expected)
    assert jnp.allclose(made["g"], -F.mean())


def test_critics_are_the_difference_of_means():
    for critic in (wasserstein(), wgan(), wgan_gp(weight=0.0)):
        made = losses(critic)
        assert jnp.allclose(made["d"], F.mean() - R.mean())
        assert jnp.allclose(made["g"], -F.mean())


def test_relativistic_pairs_in_both_losses():
    made = losses(rpgan())
    assert jnp.allclose(made["d"], softplus(F - R).mean())
    assert jnp.allclose(made["g"], softplus(R - F).mean())  # not softplus(-F): data are in it


def test_relativistic_averages_in_both_losses():
    made = losses(ragan())
    ahead = softplus(-(R - F.mean())).mean() + softplus(F - R.mean()).mean()
    behind = softplus(-(F - R.mean())).mean() + softplus(R - F.mean()).mean()
    assert jnp.allclose(made["d"], ahead)
    assert jnp.allclose(made["g"], behind)


def test_r3gan_is_the_pairing_loss_with_both_penalties():
    made = losses(r3gan(gamma=0.0))
    assert jnp.allclose(made["d"], softplus(F - R).mean())
    # d(x) = |x|^2 / 2, whose slope is x: what is squared tells where it was taken
    squares = recipe(discriminator=critic_of(lambda x: 0.5 * jnp.sum(x**2, axis=-1)))
    batches = data()
    penalty, state = penalty_of(r3gan(gamma=0.5), squares, batches)
    fake = generated(Players(squares.nets, state), batches, KEY)
    by_hand = sum(jnp.sum(x**2, axis=-1).mean() for x in (batches.real(KEY), fake))
    assert np.isclose(penalty, 0.25 * float(by_hand))


def test_r3gan_moves_along_adam_without_momentum():
    # b1 = 0: the direction has the last gradient's sign and the second moment of b2 = 0.99
    second = (0.01 * 4 + 0.99 * 0.01 * 1) / (1 - 0.99**2)
    assert np.isclose(direction_after(r3gan(), 1.0, -2.0), -2 / np.sqrt(second), rtol=1e-4)


def test_feature_matching_is_the_squared_distance_of_means():
    made = losses(feature_matching())
    apart = np.asarray(REAL).mean(0) - np.asarray(FAKE).mean(0)
    assert jnp.allclose(made["g"], np.sum(apart**2))  # not the mean absolute difference
    assert jnp.allclose(made["d"], softplus(-R).mean() + softplus(F).mean())
