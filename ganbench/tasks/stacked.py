"""Three digits in one image: a thousand modes."""

import hashlib
from collections.abc import Callable
from functools import partial, reduce

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ganbench.tasks.base import Facts, Task, Verdict
from ganbench.tasks.digits import digits
from ganbench.tasks.images import uniform

DIGITS = 3  # of an image


def stacked_digits() -> Task:
    """Stacked MNIST's recipe on the 8 x 8 digits: three independent picks, one per channel.

    See `stacked`.
    """
    return stacked(digits())


def stacked(single: Task) -> Task:
    """Three independent picks of `single`'s digits in the channels of one image.

    Digits a, b, c in channels 0, 1, 2 are mode 100 a + 10 b + c. `train` and `held_out` are the
    single digits, (images, height, width, 1), from which `sample` stacks with replacement; so
    p(a, b, c) = p(a) p(b) p(c), and the reference moments are exactly those of the product: the
    digits' feature mean three times over, and their covariance (ddof = 0) in three blocks, zero
    between channels. The judge is the digits' judge on each channel: its log p keeps the three
    apart, a sample is accepted when all its channels are, features are concatenated.

    Reference: Metz et al., Unrolled Generative Adversarial Networks, ICLR 2017, arXiv:1611.02163
    (with MNIST, 28 x 28).
    """
    return _of_three(single, "stacked", jnp.asarray)


def compositional(single: Task) -> Task:
    """Three independent picks of `single`'s digits side by side in one image.

    As `stacked`, but the digits a, b, c stand from left to right in one channel.

    Reference: Che et al., Mode Regularized Generative Adversarial Networks, ICLR 2017,
    arXiv:1612.02136.
    """
    made = _of_three(single, "compositional", beside)
    judge = single.judge.judge
    return made._replace(judge=single.judge._replace(judge=partial(_apart, judge)))


def facts_of_three(single: Facts, arrange: Callable[[jax.Array], jax.Array]) -> Facts:
    """What is known of three of `single`'s digits in one image."""
    shape = jax.eval_shape(arrange, jnp.zeros((1, *single.shape[:2], DIGITS))).shape[1:]
    return Facts(shape, single.modes**DIGITS, single.rarest**DIGITS)


def beside(x: jax.Array) -> jax.Array:
    """The channels of (batch, height, width, channels) side by side: (batch, height, all, 1)."""
    batch, height, width, channels = x.shape
    return jnp.moveaxis(x, -1, 2).reshape(batch, height, channels * width, 1)


def _apart(judge: Callable, weights: dict, x: jax.Array) -> Verdict:
    """The verdict on digits that stand side by side, given each as a channel."""
    return judge(weights, jnp.concatenate(jnp.split(x, DIGITS, axis=2), axis=-1))


def _of_three(single: Task, how: str, arrange: Callable[[jax.Array], jax.Array]) -> Task:
    """`single`, three of whose samples are drawn at once and put together by `arrange`."""

    def sample(key: jax.Array, source: jax.Array, batch: int) -> jax.Array:
        index = jr.randint(key, (batch, DIGITS), 0, len(source))
        stack = jnp.moveaxis(jnp.asarray(source)[index, ..., 0], 1, -1)
        return arrange(single.values(stack))

    shape = facts_of_three(Facts(single.shape, 1, 1.0), arrange).shape
    return single._replace(
        name=f"{how}-{single.name}",
        shape=shape,
        modes=single.modes**DIGITS,
        sample=sample,
        noise=partial(uniform, shape=shape),
        proportions=reduce(np.kron, [single.proportions] * DIGITS),
        reference_mean=np.tile(single.reference_mean, DIGITS),
        reference_cov=np.kron(np.eye(DIGITS), single.reference_cov),
        data_hash=hashlib.sha256(f"{DIGITS} {how} {single.data_hash}".encode()).hexdigest(),
        fixed=False,
    )
