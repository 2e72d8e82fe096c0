"""What a task is: data to be learnt, and the judge that says which mode a sample belongs to."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from ganbench.diagnostics.outcome import STATUSES, Status


class Split(NamedTuple):
    """Images with their classes, divided once for all."""

    train: np.ndarray  # (images, height, width, channels): what GANs and judge are trained on
    train_labels: np.ndarray  # (images,) int32
    held_out: np.ndarray  # seen by neither, the reference of every distance
    held_out_labels: np.ndarray


class Verdict(NamedTuple):
    """What a judge says of a batch of samples.

    A mode is one answer of every factor, the first the most significant: modes = answers^factors.
    There is one factor unless a sample has like, independent parts, as a stack of three digits has:
    apart they cost 30 numbers a sample, together 1,000.
    """

    log_p: jax.Array  # (batch, factors, answers): log p(answer | x), normalised over the answers
    accepted: jax.Array  # (batch,) bool: of high quality (3 sigma; the judge's gate for images)
    features: jax.Array  # (batch, width): what the Frechet distance compares


class Judge(NamedTuple):
    """A pinned classifier or posterior.

    judge(weights, x) -> Verdict is pure and traceable; `weights` is a pytree of NumPy arrays, an
    argument of the compiled program; `hash` is the SHA-256 of the weights' file, or of the
    formula and its constants for an exact posterior.
    """

    judge: Callable[[Any, jax.Array], Verdict]
    weights: Any
    hash: str


def as_they_are(x: Any) -> Any:
    """The `values` of data that are stored as samples."""
    return x


class Facts(NamedTuple):
    """What a suite is checked against: known without the data."""

    shape: tuple[int, ...]  # of one sample
    modes: int
    rarest: float  # no mode has a smaller share


class Task(NamedTuple):
    """Data to be learnt plus its judge.

    sample(key, source, batch) -> (batch, *shape) draws from `train` (what the GANs see) or from
    `held_out` (which neither GAN nor judge has seen, and which is the reference of every distance);
    noise(key, batch) -> (batch, *shape) is uniform over the data's range.
    """

    name: str
    shape: tuple[int, ...]  # of one sample
    modes: int  # K
    train: np.ndarray
    held_out: np.ndarray
    sample: Callable[[jax.Array, jax.Array, int], jax.Array]
    noise: Callable[[jax.Array, int], jax.Array]
    judge: Judge
    proportions: np.ndarray  # (K,) float64: the true mode frequencies in `train`
    reference_mean: np.ndarray  # (width,) float64: the judge's features on the reference
    reference_cov: np.ndarray  # (width, width) float64
    rms: float  # root mean square of the training data, for the divergence rule
    data_hash: str  # SHA-256 of what the data are made of
    shown: Callable[[Any], jax.Array] | None = None  # params -> what is scored instead of samples
    statuses: Sequence[Status] = STATUSES  # how a run of it can end
    reference_samples: int = 0  # that these moments are of; 0 where they are exact
    fixed: bool = False  # `train` holds the samples themselves, not what they are drawn about
    log_density: Callable[[np.ndarray], np.ndarray] | None = None  # (n, *shape) -> (n,), in nats
    values: Callable[[Any], jax.Array] = as_they_are  # of what `train` holds: in a sample
