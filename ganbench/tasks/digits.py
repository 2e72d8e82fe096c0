"""scikit-learn's bundled digits: 1,797 real 8 x 8 images, no download."""

import hashlib
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from sklearn.datasets import load_digits

from ganbench.judges.images import image_judge
from ganbench.tasks.base import Split, Task
from ganbench.tasks.images import uniform

# Far more images than the judge has features (24), so that the reference covariance is sound.
HELD_OUT = 500


def split() -> Split:
    """scikit-learn's digits, scaled as value / 8 - 1 and divided into two parts of equal strata.

    1,297 images of 8 x 8 x 1 as float32 in [-1, 1] to train on, 500 held out.

    Each class gives its share of the 500 held-out images (largest remainder), those first in the
    order of the SHA-256 of their pixels: fixed for ever, whatever a library's generator does. The
    images are the test part of UCI's optical digits (13 writers); writers are not kept apart.

    Reference: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    bundle = load_digits()
    images = (bundle.images / 8 - 1).astype(np.float32)[..., None]
    labels = bundle.target.astype(np.int32)
    digests = [hashlib.sha256(image.tobytes()).digest() for image in images]
    order = np.array(sorted(range(len(images)), key=digests.__getitem__))
    chosen = np.zeros(len(images), bool)
    for digit, count in enumerate(_shares(np.bincount(labels), HELD_OUT)):
        chosen[order[labels[order] == digit][:count]] = True
    return Split(images[~chosen], labels[~chosen], images[chosen], labels[chosen])


def _shares(counts: np.ndarray, total: int) -> np.ndarray:
    """`total` divided in proportion to `counts` by largest remainder, ties to the first."""
    exact = total * counts / counts.sum()
    whole = np.floor(exact).astype(int)
    whole[np.argsort(whole - exact, kind="stable")[: total - whole.sum()]] += 1
    return whole


def digits() -> Task:
    """The 8 x 8 digits: ten modes, one channel, values in [-1, 1].

    `train` holds 1,297 images, which the judge was trained on too; `held_out` holds 500 that
    neither GANs nor judge have seen. `sample` picks uniformly with replacement. `proportions` are
    the label frequencies of `train`. The reference moments are those of the judge's features over
    `held_out`, with ddof = 0: the distribution that `sample` draws from.
    """
    data, judge = split(), image_judge("digits")
    features = np.asarray(
        judge.judge(judge.weights, jnp.asarray(data.held_out)).features, np.float64
    )
    return Task(
        name="digits",
        shape=(8, 8, 1),
        modes=10,
        train=data.train,
        held_out=data.held_out,
        sample=_pick,
        noise=partial(uniform, shape=(8, 8, 1)),
        judge=judge,
        proportions=np.bincount(data.train_labels) / len(data.train_labels),
        reference_mean=features.mean(0),
        reference_cov=np.cov(features.T, ddof=0),
        rms=float(np.sqrt(np.mean(data.train.astype(np.float64) ** 2))),
        data_hash=hashlib.sha256(b"".join(part.tobytes() for part in data)).hexdigest(),
        reference_samples=len(data.held_out),
        fixed=True,
    )


def _pick(key: jax.Array, source: jax.Array, batch: int) -> jax.Array:
    """`batch` images of `source`, uniformly with replacement."""
    return jnp.asarray(source)[jr.randint(key, (batch,), 0, len(source))]
