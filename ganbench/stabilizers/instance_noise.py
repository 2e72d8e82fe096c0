"""Noise on all that the discriminator sees (Sonderby et al. 2017; Arjovsky and Bottou 2017)."""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt

from ganbench.game import Critic, Net, Params, Stabilizer
from ganbench.parts import wrap_discriminators
from ganbench.seeds import fold_name


def instance_noise(
    sigma: Annotated[float, Ge(0)] = 0.1, horizon: Annotated[float, Gt(0)] = 3000.0
) -> Stabilizer:
    """Adds normal noise to real and generated samples before they are judged, less and less.

    Formula:
        d(x + sigma_t e) in place of d(x) in every loss, e ~ N(0, I) drawn for each judgement anew;
        sigma_t = sigma max(0, 1 - t / horizon), t the moves that the discriminator has made. The
        generator's gradient goes through noised samples too; samples are scored without noise.

    Args:
        sigma: standard deviation at the start, >= 0, in data units; traced. 0.1 is ours: a tenth
            of the data's range to one side.
        horizon: moves of the discriminator until the noise is gone, > 0; traced. Ours: a suite of
            another length sets its own.

    Where the discriminator takes a code beside the sample, the sample alone is noised.

    Reference:
        Sonderby, Caballero, Theis, Shi, Huszar, "Amortised MAP Inference for Image Super-
        resolution", ICLR 2017, arXiv 1610.04490, section 3.1.2; Arjovsky, Bottou, "Towards
        Principled Methods for Training Generative Adversarial Networks", ICLR 2017, arXiv
        1701.04862, section 3.
    """

    def wrap(net: Net) -> Net:
        def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
            params, aux = net.init(key, *inputs)
            return params, {"net": aux, "moves": jnp.zeros((), inputs[0].dtype)}

        def apply(
            params: Params, aux: Params, x: jax.Array, *others: jax.Array, key=None
        ) -> Critic:
            left = jnp.maximum(0.0, 1 - aux["moves"] / horizon)
            e = jax.random.normal(fold_name(key, "instance noise"), x.shape, x.dtype)
            noised = (x + sigma * left * e).astype(x.dtype)
            return net.apply(params, aux["net"], noised, *others, key=key)

        def refresh(params: Params, aux: Params, info) -> Params:
            return {"net": net.refresh(params, aux["net"], info), "moves": aux["moves"] + 1}

        return Net(init, apply, refresh)

    return wrap_discriminators(wrap, "instance-noise")
