"""The largest and smallest singular value and the stable rank of every weight matrix."""

import jax
import jax.numpy as jnp
import numpy as np

from ganbench.diagnostics.inside import Diagnostic, Inside, Measure, on_games
from ganbench.game import Params, TrainState


def matrices(params: Params) -> dict[str, jax.Array]:
    """Every weight of two or more axes, (..., outputs), as (inputs times taps, outputs), by path.

    A path is joined by dots: "Hidden_0.Dense_0.kernel".
    """
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): w.reshape(-1, w.shape[-1])
        for path, w in leaves
        if w.ndim > 1 and jnp.issubdtype(w.dtype, jnp.floating)
    }


def singular(w: np.ndarray) -> np.ndarray:
    """(..., k): the singular values of (..., inputs, outputs), falling; nan if w is not finite."""
    finite = np.isfinite(w).all((-2, -1), keepdims=True)
    s = np.linalg.svd(np.where(finite, w, 0).astype(np.float64), compute_uv=False)
    return np.where(finite[..., 0], s, np.nan)


def _measure(inside: Inside) -> Measure:
    def measure(state: TrainState, key: jax.Array, t: jax.Array) -> dict[str, jax.Array]:
        return {
            f"{player}/{path}": w
            for player in inside.recipe.nets
            for path, w in matrices(state.params[player]).items()
        }

    return on_games(inside, measure)


def _reduced(measured: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    made = {}
    for name, w in measured.items():
        s = singular(w)
        squared = (s**2).sum(-1)
        made[f"{name}/largest"], made[f"{name}/smallest"] = s[..., 0], s[..., -1]
        largest = np.where(s[..., 0] > 0, s[..., 0], np.nan)
        made[f"{name}/stable_rank"] = squared / largest**2
    return made


#: The singular values s_1 >= ... >= s_k >= 0 of each weight W of two or more axes, of every player,
#: taken as the matrix (inputs times taps, outputs) by which the layer multiplies; k is the smaller
#: side. A convolution's kernel, a transposed one's too, is taken as spectral normalization takes
#: it: the norm of that matrix is not quite that of the convolution.
#:
#: `player/path/largest` is s_1, `player/path/smallest` s_k, both >= 0 (what is below 1e-7 of s_1 is
#: rounding); `player/path/stable_rank` is |W|_F^2 / s_1^2, in [1, k], null for a weight of zeros.
#: Several pairs have the means over the pairs.
#:
#: The weights are those that an optimizer moves. Under `spectral-norm` the net multiplies by W
#: divided by an estimate of s_1: `largest` is then what is divided by, and the stable rank is of
#: both. Averages that samples are drawn from (`ema`) are not shown. Blind to biases, to activations
#: and to how layers compound.
#:
#: Reference: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR
#: 2018, arXiv 1802.05957, section 4 (singular values after training); Rudelson, Vershynin,
#: "Sampling from large matrices", Journal of the ACM 2007, arXiv math/0503442 (stable rank).
singular_values = Diagnostic(
    _measure, "singular values and stable rank of every weight matrix", reduced=_reduced
)
