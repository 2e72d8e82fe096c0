"""Variational training of an energy-based model (Zhai et al. 2016)."""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jax.nn import sigmoid, softplus
from jax.scipy.special import entr

from ganbench.game import Critic, Net, Params, Stabilizer, compose
from ganbench.parts import two_player
from ganbench.seeds import fold_name
from ganbench.wrapping import claims, needs, wrap_discriminators


def experts(count: int) -> Stabilizer:
    """Discriminators whose score is the energy of `count` experts and whose features they are.

    p_j = sigmoid(W_j f + b_j), E = sum_j H(p_j), H the entropy of a coin, in [0, count log 2].
    """

    def wrap(net: Net) -> Net:
        def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
            params, aux = net.init(key, *inputs)
            seen = jax.eval_shape(lambda: net.apply(params, aux, *inputs, key=key)).features
            w = jax.random.normal(fold_name(key, "experts"), (seen.shape[-1], count), seen.dtype)
            b = jnp.zeros((count,), seen.dtype)
            return {"net": params, "w": w / seen.shape[-1] ** 0.5, "b": b}, aux

        def apply(params: Params, aux: Params, *inputs: jax.Array, key=None) -> Critic:
            features = net.apply(params["net"], aux, *inputs, key=key).features
            a = features @ params["w"] + params["b"]
            # H(sigmoid(a)) without a logarithm of 0
            entropy = sigmoid(a) * softplus(-a) + sigmoid(-a) * softplus(a)
            return Critic(entropy.sum(-1), sigmoid(a))

        def refresh(params: Params, aux: Params, info) -> Params:
            return net.refresh(params["net"], aux, info)

        return Net(init, apply, refresh)

    return wrap_discriminators(wrap, "vgan")


def diversity(p: jax.Array) -> jax.Array:
    """sum_j H(mean_i p_ij) of the experts' answers (batch, experts): small if all are alike."""
    mean = jnp.clip(p.mean(0), 1e-6, 1 - 1e-6)  # entr has no derivative at 0
    return jnp.sum(entr(mean) + entr(1 - mean))


def vgan(count: Annotated[int, Ge(1)] = 100) -> Stabilizer:
    """A bounded energy of many experts, and a generator that keeps their answers diverse.

    Formula:
        p_j(x) = sigmoid(W_j f(x) + b_j), f the discriminator's last hidden layer;
        E(x) = sum_j H(p_j(x)), H(p) = -p log p - (1 - p) log(1 - p);
        V(p) = sum_j H(mean of p_j over the batch), in place of the entropy;
        L_D = E_x E(x) - E_z E(G(z)) - V(data);  L_G = E_z E(G(z)) - V(samples).
        The energy is low on data: the opposite of a critic.

    Args:
        count: K, number of experts, >= 1; static. 100 as recalled from the
            paper; its code's CIFAR-10 configuration has 128.

    The paper moves the generator k = 1 or 3 times for each move of the energy; here k is 1. The
    objective is as recalled and as in the authors' code.

    In the suites:
        Most runs diverge on ring and grid: the method at the tasks' rate. Where the experts
        saturate the energy is flat, and samples without bound run off. At a quarter of the rate
        none does, and the same code learns.

    Reference:
        Zhai, Cheng, Feris, Zhang, "Generative Adversarial Networks as Variational Training of
        Energy Based Models", arXiv 1611.01799 (2016), equations 8 and 9, algorithm 1.
    """

    def d_loss(real: Critic, fake: Critic):
        return real.score.mean() - fake.score.mean() - diversity(real.features)

    def g_loss(real: Critic, fake: Critic):
        return fake.score.mean() - diversity(fake.features)

    energy = compose(claims("vgan", "logit"), needs("vgan", "features"))
    return compose(experts(count), two_player(d_loss, g_loss), energy)
