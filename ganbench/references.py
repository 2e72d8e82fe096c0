"""Rows that head every task and train nothing: what the scores say of known generators."""

import jax

from ganbench.game import Method, TrainState
from ganbench.seeds import fold_name
from ganbench.setting import Setting


def _draws_only(generate) -> Method:
    """A method without parameters whose samples are `generate(key)`."""
    return Method(
        init=lambda key: TrainState({}, {}, {}),
        step=lambda state, key, t: (state, {}),
        generate=lambda state, key: generate(key),
    )


def real(setting: Setting) -> Method:
    """Draws from the training data: a perfect memorizer.

    Formula:
        G = a uniform draw from the training data (for a mixture, from the distribution itself).

    Args:
        None. Not a stabilizer: stacks with nothing.

    Reference:
        The perfect-sampler floor of every score: Lucic et al., "Are GANs Created Equal?",
        NeurIPS 2018, arXiv 1711.10337, section 4.
    """

    def generate(key: jax.Array) -> jax.Array:
        return setting.task.sample(key, setting.train, setting.batch)

    return _draws_only(generate)


def held_out(setting: Setting) -> Method:
    """Draws from the held-out data that distances are measured against: its own split.

    Formula:
        G = a uniform draw from the held-out data (for a mixture, from the distribution itself).

    Args:
        None. Not a stabilizer: stacks with nothing.

    Reference:
        As `real` (arXiv 1711.10337); the difference between the two rows is what memorizing the
        training data gains or costs.
    """

    def generate(key: jax.Array) -> jax.Array:
        own = fold_name(key, "held-out")  # on a mixture it would else be `real` itself
        return setting.task.sample(own, setting.held_out, setting.batch)

    return _draws_only(generate)


def noise(setting: Setting) -> Method:
    """Uniform noise over the data's range: what the scores say of junk.

    Formula:
        G = U(range of the data).

    Args:
        None. Not a stabilizer: stacks with nothing.

    Reference:
        Barratt, Sharma, "A Note on the Inception Score", 2018, arXiv 1801.01973: scores that
        reward junk are seen by feeding them junk.
    """
    return _draws_only(lambda key: setting.task.noise(key, setting.batch))
