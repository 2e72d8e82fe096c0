"""Two time scales (Heusel et al. 2017)."""

from typing import Annotated

from annotated_types import Gt

from ganbench.game import Optimizer, Stabilizer, compose, is_discriminator
from ganbench.wrapping import each_optimizer, needs


def ttur(ratio: Annotated[float, Gt(0)] = 3.0) -> Stabilizer:
    """The discriminator learns at a rate of its own.

    Formula:
        rate_D = ratio * rate for every discriminator; the others keep the task's rate. One update
        each, in turn.

    Args:
        ratio: rate of the discriminator over that of the generator, > 0; traced. 3 is the paper's
            for WGAN-GP with two time scales (3e-4 and 1e-4; as recalled, not checked).

    In the suites:
        Half the modes of the grid: the method at the task's rate, three times of which is too high
        for the discriminator: `nonsaturating` loses as many at thrice the rate. At a third of it
        the same code covers more.

    Reference:
        Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs Trained by a Two Time-Scale Update
        Rule Converge to a Local Nash Equilibrium", NIPS 2017, arXiv 1706.08500.
    """

    def own_rate(name: str, opt: Optimizer) -> Optimizer:
        return opt._replace(rate=ratio * opt.rate) if is_discriminator(name) else opt

    return compose(needs("ttur", "discriminator"), each_optimizer(own_rate))
