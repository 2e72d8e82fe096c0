"""Gradients of the local entropy: towards wide valleys (Chaudhari et al. 2017)."""

from collections.abc import Mapping
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt, Lt
from jax.flatten_util import ravel_pytree
from jax.random import fold_in

from ganbench.game import Objective, Params, Stabilizer, TrainState, compose, player
from ganbench.seeds import fold_name
from ganbench.wrapping import claims, wrap_objective


def _normal(key: jax.Array, params: Params) -> Params:
    flat, unravel = ravel_pytree(params)
    return unravel(jax.random.normal(key, flat.shape, flat.dtype))


def entropy_sgd(
    steps: Annotated[int, Ge(1)] = 20,
    gamma: Annotated[float, Ge(0)] = 1e-4,
    scoping: Annotated[float, Ge(0)] = 1e-3,
    rate: Annotated[float, Gt(0)] = 0.1,
    memory: Annotated[float, Ge(0), Lt(1)] = 0.75,
    noise: Annotated[float, Ge(0)] = 1e-4,
) -> Stabilizer:
    """Every player moves towards the mean of a short random walk down its own loss.

    Formula:
        x' = mu = theta;  then `steps` times, each on a fresh batch with the other players fixed:
        x' -= rate (grad f(x') - gamma_t (theta - x')) + sqrt(2 rate) noise e, e ~ N(0, I);
        mu = memory mu + (1 - memory) x'.
        The optimizer is given theta - mu as the gradient; gamma_t = gamma (1 + scoping)^t.

    Args:
        steps: L, Langevin steps, >= 1; static. Each costs a gradient.
        gamma: the scope at the first step, >= 0; traced.
        scoping: its growth per step, >= 0; traced.
        rate: eta', of the Langevin steps, > 0; traced.
        memory: weight of the past in mu, in [0, 1); traced.
        noise: the temperature, >= 0; traced.

    The local entropy's own gradient is gamma (theta - mu); the authors' code leaves gamma out, and
    Adam's direction does not feel a constant factor. The walk is that code's, as recalled, without
    its momentum: the paper's algorithm 1 has the noise sqrt(rate) e, and gives 0.75 to the new
    point. The scope has no ceiling: with these defaults rate gamma_t passes 2, where a walk turns
    unstable, after 12,000 steps. mu is a constant to the gradient, so what differentiates a slope
    once more (`consensus`, `unrolled`) does not stack with it.

    In the suites:
        Few modes: the method's walk, which goes far while the other player stands still. With
        Langevin steps of 0.001 the same code covers most of the grid and some of the ring. On
        stacked-digits the generator makes one image of all latents, as half the runs of
        `nonsaturating` do.

    Reference:
        Chaudhari et al., "Entropy-SGD: Biasing Gradient Descent Into Wide Valleys", ICLR 2017,
        arXiv 1611.01838, algorithm 1, as recalled; defaults of the authors' code
        (`ucla-vision/entropy-sgd`).
    """

    def wrap(plain: Objective, opts: Mapping) -> Objective:
        def walk(state: TrainState, name: str, key: jax.Array, t: jax.Array) -> Params:
            mine = player(name)
            centre = state.params[mine]
            scope = gamma * (1 + scoping) ** t

            def inner(carry, i):
                x, mean = carry
                own = fold_in(fold_name(key, f"entropy {name}"), i)

                def loss_of(params):
                    return plain(state._replace(params={**state.params, mine: params}), own, t)[0][
                        name
                    ]

                grad, e = jax.grad(loss_of)(x), _normal(fold_name(own, "langevin"), x)

                def moved(x, g, c, e):
                    spread = jnp.sqrt(2 * rate) * noise * e
                    return (x - rate * (g - scope * (c - x)) + spread).astype(x.dtype)

                x = jax.tree.map(moved, x, grad, centre, e)
                mean = jax.tree.map(
                    lambda m, x: (memory * m + (1 - memory) * x).astype(m.dtype), mean, x
                )
                return (x, mean), None

            (_, mean), _ = jax.lax.scan(inner, (centre, centre), jnp.arange(steps))
            return mean

        def objective(state: TrainState, key: jax.Array, t: jax.Array):
            losses, info = plain(state, key, t)

            def entropic(name: str, loss: jax.Array) -> jax.Array:
                theta = state.params[player(name)]
                fixed = jax.lax.stop_gradient(state)
                mean = jax.lax.stop_gradient(walk(fixed, name, key, t))
                pulls = jax.tree.map(
                    lambda p, m: jnp.sum(jax.lax.stop_gradient(p - m) * p), theta, mean
                )
                pull = sum(jax.tree.leaves(pulls))
                return jax.lax.stop_gradient(loss) + pull - jax.lax.stop_gradient(pull)

            return {name: entropic(name, loss) for name, loss in losses.items()}, info

        return objective

    return compose(claims("entropy-sgd", "slope's own slope"), wrap_objective(wrap))
