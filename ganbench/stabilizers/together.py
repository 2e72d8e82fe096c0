"""Players that move at once: simultaneous updates, and two rules that need them."""

from collections.abc import Callable, Mapping
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge

from ganbench.game import Objective, Phase, Stabilizer, TrainState, compose, player
from ganbench.rules import Slope, apply_updates, gradients
from ganbench.seeds import fold_name
from ganbench.wrapping import claims, needs


def joined(schedule: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """Neighbouring phases made one, from the last on, as long as no player is in both.

    ((d), (g)) -> ((d, g)); five critic steps keep four of their own; no phase changes its order.
    """
    made: list[Phase] = []
    for phase in reversed(schedule):
        after = made[0] if made else ()
        apart = {player(name) for name in phase}.isdisjoint(player(name) for name in after)
        made[:1] = [phase + after] if made and apart else [phase, *made[:1]]
    return tuple(made)


def simultaneous() -> Stabilizer:
    """All players of neighbouring phases move at once, from one state and on one batch.

    Formula:
        theta_{t+1} = theta_t - rate v(theta_t), v = (grad_D L_D, grad_G L_G): no player sees the
        other's new parameters before it moves. Of several critic steps the last is joined.

    Args:
        None. A modifier of the schedule; `extragradient` and `consensus` hold it already.

    In the suites:
        Nothing is learnt on stacked-digits: the method. The generator makes one image of all
        latents, at lower rates too; with `r1`, which is proven to make such updates converge, it
        learns.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?",
        ICML 2018, arXiv 1801.04406, section 2.3, against alternating updates.
    """
    together = _joining("simultaneous")
    return lambda recipe: together(recipe).need("simultaneous", "discriminator")


def _joining(by: str) -> Stabilizer:
    """Neighbouring phases joined, for stabilizer `by`."""
    return compose(lambda r: r._replace(schedule=joined(r.schedule)), claims(by, "players' turns"))


def _with_phase(phase: Callable) -> Stabilizer:
    """The rule's phase replaced by `phase(objective, opts, nets)`."""
    return lambda recipe: recipe._replace(rule=recipe.rule._replace(phase=phase))


def _extrapolating(objective: Objective, opts: Mapping, nets: Mapping):
    def phase(state: TrainState, names: Phase, key: jax.Array, t: jax.Array):
        slopes, before = gradients(objective, state, names, key, t)
        ahead, _ = apply_updates(state, slopes, before, opts, nets)
        slopes, info = gradients(objective, ahead, names, fold_name(key, "extragradient"), t)
        start = TrainState(state.params, state.aux, ahead.opt)  # moments advance in both
        state, moved = apply_updates(start, slopes, info, opts, nets)
        return state, {**info, **moved}

    return phase


def extragradient() -> Stabilizer:
    """Players move by the gradients of the point that a first, tentative move would reach.

    Formula:
        w' = w - rate u(v(w));  w <- w - rate u(v(w')), u the optimizer's direction, whose moments
        advance in both. All players of a phase extrapolate before any moves; v(w') is taken on a
        batch of its own. Neighbouring phases are joined as in `simultaneous`.

    Args:
        None. A modifier: the rate is the task's. A step costs two gradients.

    Reference:
        Gidel, Berard, Vignoud, Vincent, Lacoste-Julien, "A Variational Inequality Perspective on
        Generative Adversarial Networks", ICLR 2019, arXiv 1802.10551, algorithms 3 and 4
        (Extra-Adam).
    """

    own = claims("extragradient", "update rule", "one move a step")
    return compose(own, _with_phase(_extrapolating), _joining("extragradient"))


def consensus(gamma: Annotated[float, Ge(0)] = 10.0) -> Stabilizer:
    """Every player also descends the norm of the whole game's gradient.

    Formula:
        player p moves along grad_p L_p + gamma grad_p (1/2 |v|^2), v = (grad_D L_D, grad_G L_G) of
        all players of the phase, on its one batch. Neighbouring phases are joined as in
        `simultaneous`.

    Args:
        gamma: weight, >= 0; traced. 10 is the authors' on eight Gaussians, 0.1 theirs on CIFAR-10;
            they use RMSProp at 1e-4.

    1/2 |v|^2 of one batch is a biased estimate, as in the authors' code.

    In the suites:
        Nothing is learnt: the method's weight, which the authors gave for RMSProp at 1e-4. With 0.1
        the same code covers the ring and most of the grid.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", NIPS 2017, arXiv 1705.10461,
        algorithm 2; gamma of the authors' code (`LMescheder/TheNumericsOfGANs`).
    """

    def rule(objective: Objective, opts: Mapping, nets: Mapping):
        def phase(state: TrainState, names: Phase, key: jax.Array, t: jax.Array):
            slopes, info = gradients(objective, state, names, key, t)

            def half_norm(params: dict) -> jax.Array:
                at = state._replace(params={**state.params, **params})
                own, _ = gradients(objective, at, names, key, t)
                leaves = jax.tree.leaves({name: slope.grad for name, slope in own.items()})
                return 0.5 * jnp.sum(jnp.stack([jnp.sum(leaf**2) for leaf in leaves]))

            pull = jax.grad(half_norm)({name: state.params[name] for name in slopes})
            both = {
                name: Slope(
                    jax.tree.map(lambda g, p: (g + gamma * p).astype(g.dtype), grad, pull[name]),
                    value,
                )
                for name, (grad, value) in slopes.items()
            }
            state, moved = apply_updates(state, both, info, opts, nets)
            return state, {**info, **moved}

        return phase

    own = compose(claims("consensus", "update rule"), needs("consensus", "slope's own slope"))
    return compose(own, _with_phase(rule), _joining("consensus"))
