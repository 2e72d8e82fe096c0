"""R1: where the penalty is taken, and how large it is."""

import jax.numpy as jnp
import pytest
from ganbench.stabilizers.r1 import r1
from small import affine, constant, critic_of, data, linear_critic, penalty_of, recipe

from ganbench.game import Data, compose
from ganbench.stabilizers.nonsaturating import nonsaturating


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2)])
def test_r1_of_a_linear_critic_is_half_gamma_squared_norm(shape):
    generator = constant(jnp.zeros(shape))
    made = recipe(discriminator=linear_critic(), generator=generator)
    value, state = penalty_of(compose(nonsaturating(), r1(gamma=3.0)), made, data(shape))
    assert value == pytest.approx(0.5 * 3.0 * float(jnp.sum(state.params["d"]["w"] ** 2)), rel=1e-4)


def test_r1_is_taken_at_real_samples():
    def score(x):  # slope |x|: 2 at the data, 0 at the samples
        return 0.5 * jnp.sum(x**2, -1)

    batches = Data(lambda key: jnp.full((8, 1), 2.0), lambda key: jnp.zeros((8, 1)))
    made = recipe(discriminator=critic_of(score), generator=affine(1))
    value, _ = penalty_of(compose(nonsaturating(), r1(gamma=1.0)), made, batches)
    assert value == pytest.approx(0.5 * 4.0)
