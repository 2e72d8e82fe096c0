"""Weights divided by their largest singular value (Miyato et al. 2018)."""

import jax
import jax.numpy as jnp

from ganbench.game import Critic, Net, Params, Stabilizer
from ganbench.seeds import fold_name
from ganbench.wrapping import wrap_discriminators


def _unit(v: jax.Array) -> jax.Array:
    return v / jnp.maximum(jnp.linalg.norm(v), 1e-12)


def _matrix(w: jax.Array) -> jax.Array:
    """A kernel (..., outputs) as (inputs times taps, outputs)."""
    return w.reshape(-1, w.shape[-1])


def _iterated(w: jax.Array, u: jax.Array) -> jax.Array:
    """One power iteration: the next estimate of the first right singular vector, (outputs,)."""
    return _unit(_matrix(w).T @ _unit(_matrix(w) @ u))


def normalised(w: jax.Array, u: jax.Array) -> jax.Array:
    """w / sigma with sigma = |W u| = v^T W u, v = W u / |W u|; u is a constant to the gradient.

    The gradient of |W u| is v u^T, as if v were a constant too; only its second derivative needs v
    to move with W.
    """
    squared = jnp.sum((_matrix(w) @ jax.lax.stop_gradient(u)) ** 2)
    return w / jnp.sqrt(jnp.maximum(squared, 1e-24))


def spectral_norm() -> Stabilizer:
    """Divides every weight matrix of the discriminator by an estimate of its spectral norm.

    Formula:
        W / sigma(W) in place of W for every kernel, sigma(W) = v^T W u, u and v from one power
        iteration after each move of the discriminator, constants to the gradient. A convolution's
        kernel is taken as the matrix (taps times inputs, outputs). Vectors, such as biases, stay.

    Args:
        None. A modifier. The authors train with `hinge`.

    u moves once a step of the discriminator, not once a judgement, so real and generated samples
    meet the same weights, and scoring changes nothing. Weights that another stabilizer adds to the
    net (`minibatch-discrimination`) are divided too if it stands before this one in the stack.

    In the suites:
        Few modes: the method. With a slope of at most 1, modes less than one apart are hardly told
        from each other: three times the steps cover the ring, none that were tried the grid, but
        inputs thirty times as large do most of it. On stacked-digits the generator makes one image
        of all latents, as half the runs of `nonsaturating` do.

    Reference:
        Miyato, Kataoka, Koyama, Yoshida, "Spectral Normalization for Generative Adversarial
        Networks", ICLR 2018, arXiv 1802.05957, algorithm 1.
    """

    def wrap(net: Net) -> Net:
        def kernels(params: Params) -> dict[str, jax.Array]:
            leaves = jax.tree_util.tree_leaves_with_path(params)
            return {jax.tree_util.keystr(path): w for path, w in leaves if w.ndim > 1}

        def iterated(params: Params, us: dict[str, jax.Array]) -> dict[str, jax.Array]:
            return {name: _iterated(w, us[name]) for name, w in kernels(params).items()}

        def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
            params, aux = net.init(key, *inputs)
            own = fold_name(key, "spectral norm")
            us = {
                name: _unit(jax.random.normal(fold_name(own, name), w.shape[-1:], w.dtype))
                for name, w in kernels(params).items()
            }
            return params, {"net": aux, "u": iterated(params, us)}

        def apply(params: Params, aux: Params, *inputs: jax.Array, key=None) -> Critic:
            def of(path, w: jax.Array) -> jax.Array:
                return normalised(w, aux["u"][jax.tree_util.keystr(path)]) if w.ndim > 1 else w

            weights = jax.tree_util.tree_map_with_path(of, params)
            return net.apply(weights, aux["net"], *inputs, key=key)

        def refresh(params: Params, aux: Params, info) -> Params:
            return {"net": net.refresh(params, aux["net"], info), "u": iterated(params, aux["u"])}

        return Net(init, apply, refresh)

    return wrap_discriminators(wrap, "spectral-norm")
