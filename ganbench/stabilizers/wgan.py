"""Wasserstein critics: clipped weights (Arjovsky et al.), gradient penalty (Gulrajani et al.)."""

from typing import Annotated

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge, Gt

from ganbench.game import Critic, Data, Optimizer, Params, Players, Stabilizer, compose
from ganbench.parts import (
    adam,
    generated,
    penalty,
    squared_input_gradient,
    two_player,
)
from ganbench.seeds import fold_name
from ganbench.wrapping import claims, critic_steps, each_optimizer, with_direction

#: The authors' code has g / (sqrt(E g^2) + 1e-8). With the square of it inside the root that root
#: has a derivative at 0 too, which unrolling needs. 1e-8 itself inside it would count as 1e-4: more
#: than most of a clipped critic's gradients, so that nothing moves.
RMSPROP = optax.scale_by_rms(decay=0.99, eps=1e-16, eps_in_sqrt=True)


def critic_loss(real: Critic, fake: Critic):
    """E f(G(z)) - E f(x), the negated Wasserstein estimate."""
    return fake.score.mean() - real.score.mean()


def _critic(by: str) -> Stabilizer:
    """The losses of `wasserstein`, whose critic takes the logit's place for stabilizer `by`."""
    plain = two_player(critic_loss, lambda real, fake: -fake.score.mean())
    return compose(plain, claims(by, "logit"))


def wasserstein() -> Stabilizer:
    """Both players on the critic's mean score, with nothing that keeps the critic Lipschitz.

    Formula:
        L_D = E_z f(G(z)) - E_x f(x);  L_G = -E_z f(G(z)). The bilinear game, where f and G are
        linear; on nets its losses have no bound.

    Args:
        None. A base: `wgan` and `wgan-gp` are it with a constraint.

    Reference:
        Arjovsky, Chintala, Bottou, "Wasserstein GAN", ICML 2017, arXiv 1701.07875, equation 2
        without its constraint.
    """
    return _critic("wasserstein")


def clip_weights(params: Params, bound) -> Params:
    """Every parameter projected to [-bound, bound]."""
    return jax.tree.map(lambda p: jnp.clip(p, -bound, bound).astype(p.dtype), params)


def wgan(clip: Annotated[float, Gt(0)] = 0.01, steps: Annotated[int, Ge(1)] = 5) -> Stabilizer:
    """A critic kept Lipschitz by clipping its weights after each of its steps.

    Formula:
        L_D = E_z f(G(z)) - E_x f(x);  L_G = -E_z f(G(z));  every weight and bias of f is clipped
        to [-clip, clip] after every critic step. RMSProp (decay 0.99), without momentum.

    Args:
        clip: bound of the critic's parameters, > 0, in the parameters' own unit; traced.
        steps: critic steps for one generator step, >= 1; static.

    The rate is the task's (the paper's is 5e-5). The authors' code also gives the critic 100 steps
    for each of the first 25 generator steps and every 500th: not in Algorithm 1, and not here.

    In the suites:
        Nearly nothing is learnt: the method at the tasks' rates, where a clip of 0.01 is a few
        steps of RMSProp, so that the critic sits on its bound. With 0.1 the same code learns half
        the ring, and some of stacked-digits; the grid with neither.

    Reference:
        Arjovsky, Chintala, Bottou, "Wasserstein GAN", ICML 2017, arXiv 1701.07875, Algorithm 1
        (clip 0.01, five critic steps, RMSProp); decay 0.99 is that of the authors' code.
    """

    def clipped(name: str, opt: Optimizer) -> Optimizer:
        inner = opt.constraint
        bounded = opt._replace(constraint=lambda params: clip_weights(inner(params), clip))
        return bounded if name == "d" else opt

    rmsprop = with_direction(RMSPROP, "wgan")
    return compose(_critic("wgan"), rmsprop, each_optimizer(clipped), critic_steps(steps))


def interpolated(players: Players, data: Data, key: jax.Array) -> jax.Array:
    """x^ = eps x + (1 - eps) G(z) on this phase's batches, one eps ~ U[0, 1] per sample."""
    real, fake = data.real(key), generated(players, data, key)
    shape = (real.shape[0],) + (1,) * (real.ndim - 1)
    eps = jax.random.uniform(fold_name(key, "interpolation"), shape, real.dtype)
    return eps * real + (1 - eps) * fake


def slope_penalty(players: Players, x: jax.Array, key: jax.Array, weight) -> jax.Array:
    """weight * E (|grad f(x)| - 1)^2."""
    # a critic that is flat somewhere (dead ReLUs) has norm 0, where the root has no derivative
    norm = jnp.sqrt(jnp.maximum(squared_input_gradient(players, x, key), 1e-24))
    return weight * jnp.mean((norm - 1) ** 2)


def gradient_penalty(players: Players, data: Data, key: jax.Array, weight) -> jax.Array:
    """`slope_penalty` between this phase's real and generated batch."""
    own = fold_name(key, "d on interpolation")
    return slope_penalty(players, interpolated(players, data, key), own, weight)


def wgan_gp(
    weight: Annotated[float, Ge(0)] = 10.0,
    steps: Annotated[int, Ge(1)] = 5,
    every: Annotated[int, Ge(1)] = 1,
) -> Stabilizer:
    """A critic kept near Lipschitz by pulling its gradient norm to 1 between data and samples.

    Formula:
        L_D = E_z f(G(z)) - E_x f(x) + weight * E_x^ (|grad_x^ f(x^)|_2 - 1)^2;
        L_G = -E_z f(G(z));  x^ = eps x + (1 - eps) G(z), one eps ~ U[0, 1] per sample, the norm
        over all of a sample's pixels. Adam with b1 = 0, b2 = 0.9.

    Args:
        weight: the penalty's weight lambda, >= 0; traced. The authors' code for toy mixtures sets
            0.1 (`gan_toy.py`).
        steps: critic steps for one generator step, >= 1; static.
        every: the penalty is taken at every `every`-th step, `every` times as strong; static.

    The rate is the task's (the paper's is 1e-4). The critic must have no batch normalization: the
    penalty needs each sample's own gradient.

    In the suites:
        Few modes of the grid: the method's weight, which is for images. With the authors' own 0.1
        for toy mixtures the same code covers most. On the ring it goes on changing modes with
        either.

    Reference:
        Gulrajani et al., "Improved Training of Wasserstein GANs", NIPS 2017, arXiv 1704.00028,
        Algorithm 1.
    """

    def term(players: Players, data: Data, key: jax.Array, t: jax.Array) -> jax.Array:
        return gradient_penalty(players, data, key, weight)

    return compose(
        _critic("wgan-gp"),
        penalty(term, "wgan-gp", every, more=("one judgement a sample",)),
        with_direction(adam(b1=0.0, b2=0.9), "wgan-gp"),
        critic_steps(steps),
    )
