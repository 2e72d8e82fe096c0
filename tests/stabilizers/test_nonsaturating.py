"""The two-player losses of Goodfellow et al., in both forms."""

import jax
import jax.numpy as jnp
from small import KEY, losses_of

from ganbench.stabilizers.nonsaturating import minimax, nonsaturating


def test_nonsaturating_and_minimax_losses_are_the_papers():
    plain, players, batches = losses_of(nonsaturating())
    zero_sum, _, _ = losses_of(minimax())
    real = jax.nn.sigmoid(players("d", batches.real(KEY)).score)
    fake = jax.nn.sigmoid(players("d", players("g", batches.latent(KEY))).score)
    value = jnp.log(real).mean() + jnp.log(1 - fake).mean()
    assert jnp.allclose(plain["d"], -value, atol=1e-5)
    assert jnp.allclose(zero_sum["d"], -value, atol=1e-5)
    assert jnp.allclose(plain["g"], -jnp.log(fake).mean(), atol=1e-5)
    assert jnp.allclose(zero_sum["g"], value, atol=1e-5)
