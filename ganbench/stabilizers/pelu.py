"""Rectifiers whose shape is learnt (Trottier et al. 2017)."""

import jax

from ganbench.game import Net, Params, Recipe, Stabilizer
from ganbench.zoo.activation import with_pelu


def pelu() -> Stabilizer:
    """Every hidden activation of every player's net becomes an exponential unit with learnt shape.

    Formula:
        pelu(h) = (a / b) h for h >= 0, a (exp(h / b) - 1) for h < 0, in place of rectifiers;
        a, b > 0 are parameters of each layer, 1 at the start, kept at 0.1 or more.

    Args:
        None. A modifier of the nets.

    In the suites:
        Few modes of ring and grid: the method. The nets are smooth where rectifiers have corners,
        and more steps do not help. On stacked-digits the same code covers five times what
        `nonsaturating` does.

    Reference:
        Trottier, Giguere, Chaib-draa, "Parametric Exponential Linear Unit for Deep Convolutional
        Neural Networks", ICMLA 2017, arXiv 1605.09332, equation 1; bound recalled.
    """

    def wrap(net: Net) -> Net:
        def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
            with with_pelu():
                return net.init(key, *inputs)

        def apply(params: Params, aux: Params, *inputs: jax.Array, key=None):
            with with_pelu():
                return net.apply(params, aux, *inputs, key=key)

        return net._replace(init=init, apply=apply)

    def stabilizer(recipe: Recipe) -> Recipe:
        nets = {name: wrap(net) for name, net in recipe.nets.items()}
        zoo = {role: wrap(net) for role, net in recipe.zoo.items()}
        return recipe._replace(nets=nets, zoo=zoo)

    return stabilizer
