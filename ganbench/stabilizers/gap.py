"""Several pairs train in parallel and swap their discriminators (Im et al. 2016)."""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jax.random import fold_in

from ganbench.game import (
    Method,
    ProtocolError,
    Stabilizer,
    TrainState,
    compose,
    is_discriminator,
)
from ganbench.seeds import fold_name
from ganbench.wrapping import needs, wrap_method


def _permuted(state: TrainState, order: jax.Array) -> TrainState:
    """Pair i's discriminators replaced by pair order[i]'s, optimizer state and aux with them."""

    def swap(by_player: dict) -> dict:
        return {
            name: jax.tree.map(lambda leaf: leaf[order], tree) if is_discriminator(name) else tree
            for name, tree in by_player.items()
        }

    return TrainState(swap(state.params), swap(state.aux), swap(state.opt))


def gap(pairs: Annotated[int, Ge(1)] = 4, period: Annotated[int, Ge(1)] = 100) -> Stabilizer:
    """`pairs` independent pairs, whose discriminators change places every `period` steps.

    Formula:
        pair i trains (G_i, D_pi(i)) on the method's own losses, with data and latents of its own;
        after every `period` steps pi is a fresh uniform permutation. Samples are the even mixture
        of the generators. A step of the method is one step of every pair, so its cost is up to
        `pairs` times the plain method's.

    Args:
        pairs: number of pairs, from 1 to the batch; static. 1 is the plain method. A batch of
            samples holds an even share of every generator if it is a multiple of the pairs, else
            some generators have one sample more.
        period: steps between swaps, >= 1; static.

    Raises, once samples are drawn:
        ProtocolError: a batch smaller than the pairs.

    Reference:
        Im, Ma, Kim, Taylor, "Generative Adversarial Parallelization", arXiv 1612.04021 (2016);
        four pairs are its GAP_D4 (as recalled, not checked), 100 updates those of the public port
        (`wiseodd/generative-models`); the paper gives the period in fractions of an epoch.
    """

    def wrap(plain: Method) -> Method:
        def each(key: jax.Array) -> jax.Array:
            return jax.vmap(lambda i: fold_in(key, i))(jnp.arange(pairs))

        def init(key: jax.Array):
            return jax.vmap(plain.init)(each(key))

        def step(state, key: jax.Array, t: jax.Array):
            state, info = jax.vmap(plain.step, (0, 0, None))(state, each(key), t)
            shuffle = fold_name(key, "gap")
            state = jax.lax.cond(
                t % period == period - 1,
                lambda s: _permuted(s, jax.random.permutation(shuffle, pairs)),
                lambda s: s,
                state,
            )
            return state, jax.tree.map(jnp.mean, info)

        def generate(state, key: jax.Array) -> jax.Array:
            samples = jax.vmap(plain.generate)(state, each(key))
            batch = samples.shape[1]
            if batch < pairs:
                raise ProtocolError(f"gap: {pairs} pairs need a batch of as many, not of {batch}")
            return samples[jnp.arange(batch) % pairs, jnp.arange(batch)]

        return Method(init, step, generate)

    return compose(needs("gap", "discriminator", "features nobody else reads"), wrap_method(wrap))
