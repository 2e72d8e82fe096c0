"""Tasks of real images that tensorflow-datasets has prepared: one mode a class."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ganbench.tasks.base import Facts, Judge, Task
from ganbench.tasks.prepared import load
from ganbench.tasks.sets import image_set

AT_ONCE = 1000  # images judged at a time


def values(pixels: Any) -> jax.Array:
    """Pixels of 0 to 255 as float32 in [-1, 1]: x / 127.5 - 1."""
    return jnp.asarray(pixels).astype(jnp.float32) / 127.5 - 1


def facts(name: str) -> Facts:
    """What is known of set `name` before it is prepared."""
    known = image_set(name)
    return Facts(known.shape, len(known.classes), known.rarest)


def images(name: str, judge: Callable[[], Judge]) -> Task:
    """Image set `name`: a mode a class, values in [-1, 1].

    `train` and `held_out` are the training and the test split as uint8, which become values where
    they are drawn: one byte a pixel on the device, whatever the number of lanes. `sample` picks
    uniformly with replacement. `proportions` are the label frequencies of `train`. The reference
    moments are those of the judge's features over `held_out`, with ddof = 0.

    Raises: BadInput where the set is not prepared.
    """
    data, judge_ = load(name), judge()
    features = np.concatenate(
        [
            _features(judge_, jnp.asarray(data.held_out[i : i + AT_ONCE]))
            for i in range(0, len(data.held_out), AT_ONCE)
        ]
    )
    classes = len(image_set(name).classes)
    shape = data.train.shape[1:]
    return Task(
        name=name,
        shape=shape,
        modes=classes,
        train=data.train,
        held_out=data.held_out,
        sample=pick,
        noise=partial(uniform, shape=shape),
        judge=judge_,
        proportions=np.bincount(data.train_labels, minlength=classes) / len(data.train_labels),
        reference_mean=features.mean(0),
        reference_cov=np.cov(features.T, ddof=0),
        rms=_rms(data.train),
        data_hash=hashlib.sha256(b"".join(part.tobytes() for part in data)).hexdigest(),
        reference_samples=len(data.held_out),
        fixed=True,
        values=values,
    )


def pick(key: jax.Array, source: jax.Array, batch: int) -> jax.Array:
    """`batch` images of `source`, uint8, uniformly with replacement, as values in [-1, 1]."""
    return values(jnp.asarray(source)[jr.randint(key, (batch,), 0, len(source))])


def uniform(key: jax.Array, batch: int, shape: tuple[int, ...]) -> jax.Array:
    """Images of independent pixels, uniform on [-1, 1]."""
    return jr.uniform(key, (batch, *shape), minval=-1.0, maxval=1.0)


def _features(judge: Judge, pixels: jax.Array) -> np.ndarray:
    return np.asarray(jax.jit(judge.judge)(judge.weights, values(pixels)).features, np.float64)


def _rms(pixels: np.ndarray) -> float:
    """The root mean square of the values, from how often each of the 256 levels occurs."""
    counts = np.bincount(pixels.reshape(-1), minlength=256)
    return float(np.sqrt(counts @ (np.arange(256) / 127.5 - 1) ** 2 / counts.sum()))
