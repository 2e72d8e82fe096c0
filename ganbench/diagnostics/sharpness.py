"""How fast each player's loss rises around its parameters, along random and gradient directions."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from ganbench.diagnostics.inside import Diagnostic, Inside, Measure, on_games
from ganbench.game import TrainState, player
from ganbench.seeds import fold_name

#: rho, of the parameters' norm. The corner of the paper's box of half-width 1e-3 (|w_i| + 1) is at
#: 0.011 to 0.0035 |w| for weights of 0.1 to 0.4, as nets of the ring have them. There a rise
#: has four digits in float32 even along random directions; at 1e-4, one.
RADIUS = 0.01
ALPHAS = (-1.0, -0.5, 0.5, 1.0)  # of the radius: both ways, and half way where the loss bends
DIRECTIONS = 8


def rise(loss: Callable[[jax.Array], jax.Array], w: jax.Array, u: jax.Array) -> jax.Array:
    """max over alpha of loss(w + alpha rho |w| u) - loss(w), for u of norm 1 or 0."""
    reach = RADIUS * jnp.linalg.norm(w)
    at = jnp.asarray((0.0, *ALPHAS), w.dtype)
    here, *there = jax.lax.map(lambda alpha: loss(w + alpha * reach * u), at)
    return jnp.max(jnp.stack(there)) - here


def unit(v: jax.Array) -> jax.Array:
    """v / |v|, or v where that is 0: there is no such direction, and nothing rises along it."""
    norm = jnp.linalg.norm(v)
    return v / jnp.where(norm > 0, norm, 1)


def sharpnesses(
    loss: Callable[[jax.Array], jax.Array], w: jax.Array, key: jax.Array
) -> dict[str, jax.Array]:
    """The mean rise of loss(w) along `DIRECTIONS` random directions, and that along its gradient.

    Random directions are uniform on the sphere, and depend on `key` and the size of w alone.
    """
    drawn = jax.random.normal(key, (DIRECTIONS, w.size), w.dtype)
    # one loop over all directions: the loss is compiled once
    directions = jnp.concatenate([drawn, jax.grad(loss)(w)[None]])
    *along, uphill = jax.lax.map(lambda v: rise(loss, w, unit(v)), directions)
    return {"random": jnp.mean(jnp.stack(along)), "gradient": uphill}


def _measure(inside: Inside) -> Measure:
    objective, names = inside.objective(inside.seen), inside.scheduled()

    def measure(state: TrainState, key: jax.Array, t: jax.Array) -> dict[str, jax.Array]:
        def of(mine: str) -> dict[str, jax.Array]:
            w, unravel = ravel_pytree(state.params[mine])

            def loss(w: jax.Array) -> jax.Array:
                at = state._replace(params={**state.params, mine: unravel(w)})
                losses, _ = objective(at, fold_name(key, "game"), t)
                return jnp.sum(jnp.stack([losses[n] for n in names if player(n) == mine]))

            return sharpnesses(loss, w, fold_name(key, mine))

        players = dict.fromkeys(map(player, names))
        return {f"{p}/{kind}": x for p in players for kind, x in of(p).items()}

    return on_games(inside, measure)


#: `<player>/random`, `<player>/gradient`: max over alpha in {-1, -1/2, 1/2, 1} of L(w + alpha rho
#: |w| u) - L(w), rho = 0.01, L the sum of the player's own losses on one frozen batch of training
#: data, w all its parameters with the other players held fixed: for u uniform on the unit sphere
#: (the mean over eight) and for u the normalised gradient of L. In the unit of the loss. Along a
#: straight line it is rho |w| times the slope, at a minimum rho^2 |w|^2 u' H u / 2 of the
#: curvature; below 0 where L falls both ways. 0 where the gradient is 0, and for parameters that
#: are all 0. Not divided by 1 + L as in the paper: a GAN's loss may be negative. Not the paper's
#: maximum over a box or a random subspace either, so a lower bound of one; the radius goes by |w|,
#: so scaling a layer up and the next one down changes the number though not the function.
#:
#: L is what the player sees: `unrolled` looks ahead. Of `entropy-sgd` the value is the plain
#: loss's, the direction that of its own gradient. Constraints (clipped weights) do not hold the
#: probe back. A lazy penalty counts where step t has it. Small for a player whose gradient has
#: vanished as for one at a wide minimum: read it beside the gradient's norm.
#:
#: Reference: Keskar, Mudigere, Nocedal, Smelyanskiy, Tang, "On Large-Batch Training for Deep
#: Learning: Generalization Gap and Sharp Minima", ICLR 2017, arXiv 1609.04836, metric 2.1 (as
#: recalled: a box of half-width epsilon (|w_i| + 1), epsilon 1e-3 and 5e-4).
sharpness = Diagnostic(_measure, "how fast each player's loss rises around its parameters")
