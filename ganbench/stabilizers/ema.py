"""Samples from averaged generator weights (Yazici et al. 2019)."""

from typing import Annotated

import jax
from annotated_types import Ge, Lt

from ganbench.game import Method, Stabilizer
from ganbench.wrapping import wrap_method

AVERAGE = "g/average"  # the state's aux holds it under the generator's name


def ema(decay: Annotated[float, Ge(0), Lt(1)] = 0.999) -> Stabilizer:
    """Samples are drawn from an exponential moving average of the generator's parameters.

    Formula:
        m_0 = theta_G,0;  m_t = decay m_{t-1} + (1 - decay) theta_G,t after every step;
        samples = G(z; m_t). Training itself never sees m.

    Args:
        decay: in [0, 1), per step; traced. 0.999 is that of Mescheder et al.'s code
            (`GAN_stability`); Yazici et al.'s 0.9999 averages over more steps than a short
            training has.

    In the suites:
        With 0.999 behind the plain row on the ring and on stacked-digits: the method's decay, whose
        mean still holds the first thousand of a few thousand steps. With 0.99 it is not.

    Reference:
        Yazici, Foo, Winkler, Yap, Piliouras, Chandrasekhar, "The Unusual Effectiveness of Averaging
        in GAN Training", ICLR 2019, arXiv 1806.04498.
    """

    def wrap(plain: Method) -> Method:
        def init(key: jax.Array):
            state = plain.init(key)
            return state._replace(aux={**state.aux, AVERAGE: state.params["g"]})

        def step(state, key: jax.Array, t: jax.Array):
            mean = state.aux[AVERAGE]
            state, info = plain.step(state, key, t)

            def averaged(m, p):
                return (decay * m + (1 - decay) * p).astype(m.dtype)

            mean = jax.tree.map(averaged, mean, state.params["g"])
            return state._replace(aux={**state.aux, AVERAGE: mean}), info

        def generate(state, key: jax.Array) -> jax.Array:
            params = {**state.params, "g": state.aux[AVERAGE]}
            return plain.generate(state._replace(params=params), key)

        return Method(init, step, generate)

    return wrap_method(wrap)
