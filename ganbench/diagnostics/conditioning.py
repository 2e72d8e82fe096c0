"""How differently the generator stretches the directions of its latent space."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.random import fold_in

from ganbench.diagnostics.inside import Diagnostic, Inside, Measure, on_games
from ganbench.diagnostics.singular_values import singular
from ganbench.game import Params, TrainState
from ganbench.seeds import fold_name

LATENTS = 64  # the standard error of the mean is an eighth of the spread

Generator = Callable[[jax.Array], jax.Array]  # (batch, latent) -> (batch, outputs)


def mixes(g: Callable[..., jax.Array], params: Params, z: jax.Array) -> jax.Array:
    """Whether g(params, z) of one latent depends on the others of its batch: one that is no number
    tells.

    Found with parameters of ones, not with the lane's own: so it is the same for all lanes, and a
    `cond` on it stays one.
    """

    def ones(x: jax.Array) -> jax.Array:
        return jnp.ones_like(x) if jnp.issubdtype(x.dtype, jnp.floating) else x

    spoilt = jnp.ones_like(z).at[0].set(jnp.nan)
    return jnp.isnan(g(jax.tree.map(ones, params), spoilt)[1:]).any()


def at_once(g: Generator, z: jax.Array) -> jax.Array:
    """(batch, outputs, latent): the samples' Jacobians, if each depends on its own latent alone."""
    if z.shape[1] <= jax.eval_shape(g, z).shape[1]:  # all latents shifted alike
        return jax.jacfwd(lambda shift: g(z + shift))(jnp.zeros(z.shape[1:], z.dtype))
    return jnp.moveaxis(jax.jacrev(lambda z: g(z).sum(0))(z), 0, 1)


def one_by_one(g: Generator, z: jax.Array, count: int) -> jax.Array:
    """(count, outputs, latent): the Jacobians of the first samples, each by its own latent, with
    the others of the batch held fixed.
    """
    jacobian = jax.jacfwd if z.shape[1] <= jax.eval_shape(g, z).shape[1] else jax.jacrev

    def of(i: jax.Array) -> jax.Array:
        return jacobian(lambda own: g(z.at[i].set(own))[i])(z[i])

    return jax.lax.map(of, jnp.arange(count))


def log_condition(s: np.ndarray, eps: float) -> np.ndarray:
    """2 log(s_1 / s_k) of singular values (..., k), falling, with s_k at least eps s_1.

    So it is at most 2 log(1 / eps), which is also what zeros have.
    """
    largest, smallest = s[..., 0], s[..., -1]
    ratio = smallest / np.where(largest > 0, largest, 1)
    return -2 * np.log(np.maximum(ratio, eps))


def _measure(inside: Inside) -> Measure:
    net, batch = inside.recipe.nets["g"], inside.setting.batch
    count = min(batch, LATENTS)  # of each batch

    def measure(state: TrainState, key: jax.Array, t: jax.Array) -> dict[str, jax.Array]:
        here = state.params["g"], state.aux["g"]

        def jacobians(i: jax.Array) -> jax.Array:
            own = fold_in(key, i)
            z = inside.seen.latent(own)

            def g(params: Params, z: jax.Array) -> jax.Array:
                return net.apply(*params, z, key=fold_name(own, "g")).reshape(len(z), -1)

            return jax.lax.cond(
                mixes(g, here, z),
                lambda: one_by_one(partial(g, here), z, count),
                lambda: at_once(partial(g, here), z)[:count],
            )

        made = jax.lax.map(jacobians, jnp.arange(-(-LATENTS // count)))
        return {"jacobians": made.reshape(-1, *made.shape[2:])[:LATENTS]}

    return on_games(inside, measure)


def _reduced(measured: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    jacobians = measured["jacobians"]  # (..., latents, outputs, latent)
    s = singular(jacobians)
    condition = log_condition(s, np.finfo(jacobians.dtype).eps)
    tiny = np.finfo(jacobians.dtype).tiny
    return {
        "log_condition": condition.mean(-1),
        "spread": condition.std(-1),
        "log_largest": np.log(np.maximum(s[..., 0], tiny)).mean(-1),
    }


#: The singular values s_1 >= ... >= s_k of the generator's Jacobian J = dG(z)/dz at 64 latents, the
#: same all through the training; k is the smaller of the latent's and the sample's entries. A code
#: that the generator is given beside the latent is held fixed. Where a sample depends on its batch
#: (batch normalization: nets `toy`), J is by the sample's own latent, the other latents of a
#: training batch held fixed.
#:
#: log_condition: the mean over z of log(lambda_1 / lambda_k) = 2 log(s_1 / s_k), the eigenvalues of
#: J^T J: 0 if all directions are stretched alike, large if G all but loses one. s_k counts as eps
#: s_1 at least, eps of the precision: in float32 the value is at most 31.9, which is that of a J of
#: less than full rank and of zeros, and above some 25 the rounding of J shows.
#: spread: its standard deviation over z. log_largest: the mean of log s_1, in units of data over
#: latents, -87.3 (float32) for zeros. Several pairs have the means over the pairs.
#:
#: The generator is the one in training, not an average of it (`ema`). Blind to how densely latents
#: lie where J is good, and to modes that are missing without a J that shows it; 0 says nothing
#: where k is 1.
#:
#: Reference: Odena, Buckman, Olsson, Brown, Olah, Raffel, Goodfellow, "Is Generator Conditioning
#: Causally Related to GAN Performance?", ICML 2018, arXiv 1802.08768, section 2.
conditioning = Diagnostic(_measure, "conditioning of the generator's Jacobian", reduced=_reduced)
