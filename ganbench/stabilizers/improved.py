"""Improved Techniques for Training GANs (Salimans et al. 2016): four of them."""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge, Lt

from ganbench.game import Critic, Data, Net, Optimizer, Params, Players, Stabilizer, compose
from ganbench.parts import add_to_loss, judge_real, two_player
from ganbench.seeds import fold_name
from ganbench.stabilizers.nonsaturating import discriminator_loss
from ganbench.wrapping import claims, each_optimizer, needs, wrap_discriminators


def feature_matching() -> Stabilizer:
    """The generator matches the mean of the discriminator's features on data.

    Formula:
        L_D = E_x sp(-d(x)) + E_z sp(d(G(z)));  L_G = |E_x f(x) - E_z f(G(z))|_2^2, f the last
        hidden layer of the discriminator.

    Args:
        None. A base.

    The authors' code takes the mean absolute difference instead of the paper's squared norm.

    In the suites:
        Few modes of ring and grid: the method. A mean of features says little of single modes, and
        that of a batch is noisy: a batch eight times as large helps, one of 2,048 no more than
        that.

    Reference:
        Salimans et al., "Improved Techniques for Training GANs", NIPS 2016, arXiv 1606.03498,
        section 3.1.
    """

    def g_loss(real: Critic, fake: Critic):
        return jnp.sum((real.features.mean(0) - fake.features.mean(0)) ** 2)

    return two_player(discriminator_loss, g_loss)


def closeness(code: jax.Array) -> jax.Array:
    """o_b(x_i) = sum_{j != i} exp(-|M_ib - M_jb|_1) of M (batch, kernels, entries).

    Returns (batch, kernels), each in [0, batch - 1]. The paper's sum holds j = i too: a constant 1.
    """
    entries = list(jnp.moveaxis(code, -1, 0))

    # One sample at a time, made again for the derivative: all pairs at once leave the cache, which
    # costs fifteen times as long.
    @jax.checkpoint
    def one(i: jax.Array) -> jax.Array:
        apart = sum(jnp.abs(c - jax.lax.dynamic_index_in_dim(c, i)) for c in entries)
        return jnp.exp(-apart).sum(0) - 1

    return jax.lax.map(one, jnp.arange(len(code)))


def minibatch_discrimination(
    kernels: Annotated[int, Ge(1)] = 100, entries: Annotated[int, Ge(1)] = 5
) -> Stabilizer:
    """The discriminator also sees how close a sample's features are to the rest of its batch.

    Formula:
        M_i = f(x_i) T, T (features, kernels, entries);  o_b(x_i) = sum_{j != i} exp(-|M_ib -
        M_jb|_1);  o is concatenated to f, of which the score is a linear function. Real and
        generated samples are judged in batches of their own.

    Args:
        kernels: B, number of closenesses, >= 1; static. As in the authors' code.
        entries: C, entries that each one compares, >= 1; static. As in the authors' code.

    The score of a sample depends on its batch, so a penalty on the slope at single samples has no
    meaning here. The authors normalise T's columns, data-dependently; here T starts at LeCun's
    scale and w, the weights of o, at 0.

    In the suites:
        Fewer modes of the grid than without: the method learns slower here; with twice the steps
        the same code covers more.

    Reference:
        Salimans et al., "Improved Techniques for Training GANs", NIPS 2016, arXiv 1606.03498,
        section 3.2.
    """

    def wrap(net: Net) -> Net:
        def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
            params, aux = net.init(key, *inputs)
            seen = jax.eval_shape(lambda: net.apply(params, aux, *inputs, key=key)).features
            shape = (seen.shape[-1], kernels * entries)
            t = jax.random.normal(fold_name(key, "minibatch"), shape, seen.dtype)
            w = jnp.zeros((kernels,), seen.dtype)
            return {"net": params, "t": t / seen.shape[-1] ** 0.5, "w": w}, aux

        def apply(params: Params, aux: Params, *inputs: jax.Array, key=None) -> Critic:
            score, features = net.apply(params["net"], aux, *inputs, key=key)
            code = (features @ params["t"]).reshape(-1, kernels, entries)
            o = closeness(code)
            return Critic(score + o @ params["w"], jnp.concatenate([features, o], axis=-1))

        def refresh(params: Params, aux: Params, info) -> Params:
            return net.refresh(params["net"], aux, info)

        return Net(init, apply, refresh)

    by, alone = "minibatch-discrimination", "judgement of each sample for itself"
    return compose(wrap_discriminators(wrap, by), claims(by, "features", alone))


def historical_averaging(weight: Annotated[float, Ge(0)] = 1.0) -> Stabilizer:
    """Every player is pulled to the mean of its own past parameters.

    Formula:
        L_p += weight |theta_p - (1 / t) sum_{i = 1..t} theta_p[i]|^2 for every player p, theta_p[i]
        its parameters before its i-th move; the mean is a constant to the gradient, to which
        2 weight (theta_p - mean) is added.

    Args:
        weight: >= 0; traced. The paper gives none; 1 is its formula as it stands.

    In the suites:
        Nothing is learnt: the method's weight, of which the paper is silent. The pull outweighs
        every gradient. With 0.001 the same code covers the ring.

    Reference:
        Salimans et al., "Improved Techniques for Training GANs", NIPS 2016, arXiv 1606.03498,
        section 3.3.
    """

    def init(params: Params) -> Any:
        return jnp.zeros(()), jax.tree.map(jnp.zeros_like, params)

    def update(grads: Params, state: Any, params: Params = None) -> tuple[Params, Any]:
        count, mean = state
        count = count + 1
        mean = jax.tree.map(lambda m, p: m + (p - m) / count.astype(p.dtype), mean, params)
        pulled = jax.tree.map(lambda g, p, m: g + 2 * weight * (p - m), grads, params, mean)
        return pulled, (count, mean)

    def pulled(name: str, opt: Optimizer) -> Optimizer:
        history = optax.GradientTransformation(init, update)
        return opt._replace(direction=optax.chain(history, opt.direction))

    return compose(needs("historical-averaging", "update rule"), each_optimizer(pulled))


def label_smoothing(amount: Annotated[float, Ge(0), Lt(1)] = 0.1) -> Stabilizer:
    """Data are labelled a little less than 1, samples stay at 0.

    Formula:
        L_D = -(1 - amount) E_x log D(x) - amount E_x log(1 - D(x)) - E_z log(1 - D(G(z)));
        with logits d this adds amount E_x d(x) to the plain loss. One-sided: the generated side and
        the generator's loss stay as they are.

    Args:
        amount: one minus the label of data, in [0, 1); traced. 0.1 gives the paper's 0.9.

    Reference:
        Salimans et al., "Improved Techniques for Training GANs", NIPS 2016, arXiv 1606.03498,
        section 3.4.
    """

    def term(players: Players, data: Data, key: jax.Array, t: jax.Array) -> jax.Array:
        return amount * judge_real(players, data, key).score.mean()

    resources = "logit", "discriminator", "discriminator's input", "lone discriminator"
    return compose(needs("label-smoothing", *resources), add_to_loss("d", term))
