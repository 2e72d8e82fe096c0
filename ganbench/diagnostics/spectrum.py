"""Leading eigenvalues of the game's Jacobian, matrix-free: rotation against contraction."""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganbench.diagnostics.inside import Diagnostic, Inside, Measure, on_games
from ganbench.game import Objective, TrainState, player
from ganbench.rules import gradients
from ganbench.seeds import fold_name

KRYLOV = 40  # products with the Jacobian; a game of up to as many parameters is exact
LEADING = 6  # eigenvalues told, by modulus; those at the rim converge long before the 40th product
CONVERGED = 1e-3  # of its modulus: a Ritz value's residual up to which its angle is an eigenvalue's
BREAKDOWN = 1e-6  # of the largest entry: a Krylov space is whole once what it adds is rounding


def field(
    objective: Objective, names: Sequence[str], state: TrainState, key: jax.Array, t: jax.Array
) -> tuple[Callable[[jax.Array], jax.Array], jax.Array]:
    """v and w: v(w) stacks every player's gradient of its own losses `names` at parameters w.

    Batch and noise are those of `key`, the same for every w. A player that minimises several losses
    in turn has the sum of their gradients.
    """
    moved = {player(name) for name in names}
    w, unravel = ravel_pytree({name: state.params[name] for name in sorted(moved)})

    def v(w: jax.Array) -> jax.Array:
        here = state._replace(params={**state.params, **unravel(w)})
        total = jax.tree.map(jnp.zeros_like, unravel(w))
        for name in names:
            slopes, _ = gradients(objective, here, (name,), key, t)
            mine = player(name)
            total[mine] = jax.tree.map(jnp.add, total[mine], slopes[mine].grad)
        return ravel_pytree(total)[0]

    return v, w


def arnoldi(product: Callable[[jax.Array], jax.Array], start: jax.Array, steps: int) -> jax.Array:
    """The (steps + 1, steps) Hessenberg matrix of `product`, u -> J u, on start's Krylov space.

    Each new direction is made orthogonal to the others twice: once loses digits. Traced, without
    looking at a value: after the space is whole, what follows is rounding; `whole` cuts it off.
    Reference: Arnoldi, "The principle of minimized iterations in the solution of the matrix
    eigenvalue problem", Quarterly of Applied Mathematics 1951.
    """
    basis = jnp.zeros((steps + 1, start.size), start.dtype)
    basis = basis.at[0].set(start / jnp.linalg.norm(start))

    def step(basis: jax.Array, j: jax.Array) -> tuple[jax.Array, jax.Array]:
        u = product(basis[j])
        first = basis @ u
        u = u - first @ basis
        again = basis @ u
        u = u - again @ basis
        norm = jnp.linalg.norm(u)
        u = jnp.where(norm > 0, u / jnp.where(norm > 0, norm, 1), 0)
        return basis.at[j + 1].set(u), (first + again).at[j + 1].set(norm)

    _, columns = jax.lax.scan(step, basis, jnp.arange(steps))
    return columns.T


def whole(hessenberg: np.ndarray) -> np.ndarray:
    """The leading (m + 1, m) part, up to where the Krylov space was whole."""
    steps = hessenberg.shape[1]
    scale = np.abs(hessenberg).max()
    added = hessenberg[np.arange(1, steps + 1), np.arange(steps)]
    small = np.flatnonzero(added <= BREAKDOWN * scale)
    m = int(small[0]) + 1 if len(small) else steps
    return hessenberg[: m + 1, :m]


def eigenvalues(hessenberg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ritz values of a Hessenberg matrix, by falling modulus, and the residual of each.

    The residual |J u - lambda u| of the Ritz vector u, |u| = 1, is the last subdiagonal entry times
    the last entry of the small eigenvector: 0 where the Krylov space is whole.
    """
    part = whole(np.asarray(hessenberg, np.float64))
    m = part.shape[1]
    values, vectors = np.linalg.eig(part[:m])
    residuals = part[m, m - 1] * np.abs(vectors[-1])
    order = np.lexsort((-values.imag, -np.abs(values)))
    return values[order], residuals[order]


def _measure(inside: Inside) -> Measure:
    # a slope that is written down, not differentiated: its derivative is 0 for JAX, not in truth
    if "slope's own slope" in {resource for resource, _ in inside.recipe.claims}:
        return lambda state, key, t: {}

    def measure(state: TrainState, key: jax.Array, t: jax.Array) -> dict[str, jax.Array]:
        objective = inside.objective(inside.seen)
        v, w = field(objective, inside.scheduled(), state, fold_name(key, "game"), t)
        _, product = jax.linearize(v, w)
        start = jax.random.normal(fold_name(key, "start"), w.shape, w.dtype)
        return {"hessenberg": arnoldi(product, start, min(KRYLOV, w.size))}

    return on_games(inside, measure)


def _of_one(hessenberg: np.ndarray) -> dict[str, float]:
    if not np.isfinite(hessenberg).all():
        return dict.fromkeys(_NAMES, float("nan"))
    values, residuals = eigenvalues(hessenberg)
    size = np.abs(values[0])
    told = np.full(LEADING, complex(np.nan, np.nan))
    told[: len(values[:LEADING])] = values[:LEADING]
    sure = values[(np.abs(values) > 0) & (residuals <= CONVERGED * np.abs(values))]
    angles = sure / np.abs(sure)
    return {
        "real_min": values.real.min(),
        "real_max": values.real.max(),
        "imag_max": values.imag.max(),
        "rotation": np.abs(angles.imag).max() if len(sure) else np.nan,
        "contraction": angles.real.min() if len(sure) else np.nan,
        "stable_rate": (2 * sure.real / np.abs(sure) ** 2).min() if len(sure) else np.nan,
        "converged": len(sure),
        "residual": residuals[: len(told)].max() / size if size > 0 else 0.0,
        **{f"leading_{i + 1}_real": x.real for i, x in enumerate(told)},
        **{f"leading_{i + 1}_imag": x.imag for i, x in enumerate(told)},
    }


_NAMES = [
    *("real_min", "real_max", "imag_max", "rotation", "contraction", "stable_rate"),
    *("converged", "residual"),
    *(f"leading_{i + 1}_{part}" for part in ("real", "imag") for i in range(LEADING)),
]


def _told(seen: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    games = [[_of_one(h) for h in one["hessenberg"]] for one in seen]
    return {n: np.array([np.mean([own[n] for own in each]) for each in games]) for n in _NAMES}


#: The Jacobian J = dv/dw of v = (each player's gradient of its own loss) at the players' parameters
#: w, with batch and noise frozen. Gradient descent w - h v converges near an equilibrium if and
#: only if Re lambda > 0 and h < 2 Re lambda / |lambda|^2 for every eigenvalue lambda of J; that of
#: a zero-sum game without more has only rotation, lambda = +- i b. J is not symmetric: Arnoldi, not
#: Lanczos. What an optimizer or an update rule adds is not in it; what unrolling adds is.
#:
#: real_min, real_max, imag_max: of all Ritz values; leading_1 to 6: those of the largest modulus.
#: rotation: max |Im lambda| / |lambda|; contraction: min Re lambda / |lambda|; stable_rate: min 2
#: Re lambda / |lambda|^2, the largest step of simultaneous descent that these allow (none if
#: negative). These three are over the `converged` Ritz values alone, whose residual
#: |J u - lambda u| is at most a thousandth of |lambda|: a few of a large game's eigenvalues, those
#: at the rim, so each is a bound of what all would give; null if there are none. residual: the
#: largest of the leading six, in units of |lambda_1|, as Arnoldi estimates it, rounding apart. A
#: game of several pairs has the means over its pairs.
#:
#: Left out for `entropy-sgd`, which writes its slope down. What a loss holds fixed while it is
#: differentiated (the neighbours of `egan-ent-nn`) is held fixed in J too. A lazy penalty counts
#: where step t has it, and as often as its period: compare at equal t.
#:
#: Reference: Mescheder, Nowozin, Geiger, "The Numerics of GANs", NIPS 2017, arXiv 1705.10461;
#: Berard et al., "A Closer Look at the Optimization Landscapes of GANs", ICLR 2020, arXiv
#: 1906.04848.
spectrum = Diagnostic(_measure, "leading eigenvalues of the game's Jacobian", _told)
