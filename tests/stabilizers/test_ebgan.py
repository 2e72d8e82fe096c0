"""Energies: the hinge and the pulling-away term."""

import jax
import jax.numpy as jnp
import numpy as np
from small import critic_of, losses_of, recipe

from ganbench.game import Data, Net
from ganbench.stabilizers.ebgan import ebgan, ebgan_pt, pulling_away


def test_pulling_away_term_properties():
    key = jax.random.key(3)
    code = jax.random.normal(key, (6, 8))
    assert jnp.allclose(pulling_away(jnp.ones((5, 4)) * jnp.arange(1.0, 6.0)[:, None]), 1.0)
    assert jnp.allclose(pulling_away(jnp.diag(jnp.arange(1.0, 5.0))), 0.0, atol=1e-7)
    assert 0 <= float(pulling_away(code)) <= 1
    assert jnp.allclose(pulling_away(code), pulling_away(code.at[2].multiply(-1)), atol=1e-6)
    by_hand = np.mean(
        [
            (np.dot(code[i], code[j]) / np.linalg.norm(code[i]) / np.linalg.norm(code[j])) ** 2
            for i in range(6)
            for j in range(6)
            if i != j
        ]
    )
    assert jnp.allclose(pulling_away(code), by_hand, atol=1e-6)
    assert bool(jnp.isfinite(jax.grad(lambda c: pulling_away(c))(code.at[0].set(0.0))).all())


def test_ebgan_hinge_is_taken_on_each_sample():
    fake = jnp.array([[9.0, 1.0], [11.0, -1.0]])  # margin 10: one inside by 1, one beyond by 1
    batches = Data(lambda key: jnp.array([[2.0, 0.0], [4.0, 0.0]]), lambda key: fake)
    identity = Net(lambda key, z: ({"b": jnp.zeros(2)}, {}), lambda p, a, z, key=None: z + p["b"])

    def code(x):  # not the sample itself: the term is taken on the code, not on pixels
        return x**2 + 1

    made = recipe(generator=identity)
    autoencoder = critic_of(lambda x: x[:, 0], code)
    made = made._replace(zoo={**made.zoo, "autoencoder": autoencoder})  # in the place of `d`
    losses, _, _ = losses_of(ebgan(margin=10.0), made, batches)
    assert jnp.allclose(losses["d"], 3.0 + 0.5)  # a hinge on the batch mean would give 3 + 0
    assert jnp.allclose(losses["g"], 10.0)
    pulled, _, _ = losses_of(ebgan_pt(margin=10.0, weight=0.1), made, batches)
    assert jnp.allclose(pulled["g"], 10.0 + 0.1 * pulling_away(code(fake)), atol=1e-6)
    assert not jnp.allclose(pulling_away(code(fake)), pulling_away(fake), atol=1e-2)
    assert jnp.allclose(pulled["d"], losses["d"])  # the term is the generator's alone
