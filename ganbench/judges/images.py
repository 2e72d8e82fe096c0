"""Judges of images: small classifiers with one answer more than classes, "none of them".

Images of more than 8 pixels a side are read by convolutions first, whose kernels are kept as
matrices, their rows the values of a patch. Weights and thresholds are made by `judges.classifier`.
"""

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from functools import cache, partial, reduce
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import platformdirs
from jax.lax import Precision
from jax.random import fold_in

from ganbench.convolution import convolve, same
from ganbench.errors import BadInput
from ganbench.judges.files import load
from ganbench.tasks.base import Judge, Verdict

FEATURES = 24  # width of the last hidden layer, which the Frechet distance compares
WEIGHTS = Path(__file__).parent / "weights"

Weights = Mapping[str, np.ndarray]


class Net(NamedTuple):
    """A classifier's sizes: every convolution has a stride of 2, every hidden layer a rectifier."""

    side: int  # of the square images
    channels: int  # of one image
    convolutions: tuple[tuple[int, int], ...]  # (kernel, features) of each
    hidden: tuple[int, ...]  # units of the dense layers before the last hidden one
    classes: int  # its logits have one more, "none of them"

    def shapes(self) -> list[tuple[int, int]]:
        """(rows, columns) of every layer's kernel; a convolution's rows are a patch's values."""
        made, channels, side = [], self.channels, self.side
        for kernel, features in self.convolutions:
            made.append((kernel * kernel * channels, features))
            channels, side = features, -(-side // 2)
        widths = (side * side * channels, *self.hidden, FEATURES, self.classes + 1)
        return made + list(zip(widths[:-1], widths[1:], strict=True))

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """The shape of everything in a weight file."""
        made: dict[str, tuple[int, ...]] = {"threshold": ()}
        for layer, (rows, columns) in enumerate(self.shapes()):
            made |= {f"kernel_{layer}": (rows, columns), f"bias_{layer}": (columns,)}
        return made


def initial(net: Net, key: jax.Array) -> dict[str, jax.Array]:
    """First kernels, N(0, 2 / rows), and biases, 0."""
    made = {}
    for layer, (rows, columns) in enumerate(net.shapes()):
        deviation = np.float32(np.sqrt(2 / rows))
        made[f"kernel_{layer}"] = deviation * jax.random.normal(
            fold_in(key, layer), (rows, columns)
        )
        made[f"bias_{layer}"] = jnp.zeros(columns)
    return made


def classify(net: Net, weights: Weights, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Logits, (batch, classes + 1), and the last hidden values, (batch, 24), of images in [-1, 1].

    The hidden values are those that enter the rectifier: after it some would be zero for all.
    """

    # Highest: a GPU would otherwise round the products to TF32 and move the gate.

    def layer(i: int, x: jax.Array) -> jax.Array:
        product = jnp.matmul(x, weights[f"kernel_{i}"], precision=Precision.HIGHEST)
        return product + weights[f"bias_{i}"]

    def convolution(x: jax.Array, i: int) -> jax.Array:
        side, features = net.convolutions[i]
        kernel = jnp.reshape(weights[f"kernel_{i}"], (side, side, x.shape[-1], features))
        pads = [same(length, side, 2) for length in x.shape[1:3]]
        made = convolve(x, kernel, pads, (2, 2), precision=Precision.HIGHEST)
        return jax.nn.relu(made + weights[f"bias_{i}"])

    first = len(net.convolutions)
    last = first + len(net.hidden)
    maps = reduce(convolution, range(first), images)
    x = maps.reshape(len(images), -1)
    for i in range(first, last):
        x = jax.nn.relu(layer(i, x))
    entering = layer(last, x)
    return layer(last + 1, jax.nn.relu(entering)), entering


def none_odds(logits: Any) -> jax.Array:
    """log(p(none) / (1 - p(none))) of (batch, classes + 1) logits: (batch,)."""
    return logits[:, -1] - jax.nn.logsumexp(logits[:, :-1], axis=-1)


def judge_images(net: Net, weights: Weights, x: jax.Array) -> Verdict:
    """The verdict on x, (batch, side, side, factors * channels) in [-1, 1].

    Every `channels` channels are an image of their own and a factor of the verdict. p is the
    softmax over all logits but the last; an image passes the gate when log(p(none) / (1 - p(none)))
    < threshold, a sample is accepted when all its images pass. Features are concatenated.
    """
    factors = x.shape[-1] // net.channels  # the first is the most significant of a mode's digits
    parts = [classify(net, weights, part) for part in jnp.split(x, factors, axis=-1)]
    log_p = [jax.nn.log_softmax(logits[:, :-1], axis=-1) for logits, _ in parts]
    passed = [none_odds(logits) < weights["threshold"] for logits, _ in parts]
    return Verdict(
        log_p=jnp.stack(log_p, axis=1),
        accepted=jnp.all(jnp.stack(passed), axis=0),
        features=jnp.concatenate([hidden for _, hidden in parts], axis=-1),
    )


@cache  # one function a net, or whatever compiles by function would compile again for every task
def reader(net: Net) -> Callable[[Weights, jax.Array], Verdict]:
    """`judge_images` of one net."""
    return partial(judge_images, net)


class Known(NamedTuple):
    """A judge that there can be: its net, and the pinned hash of the weights in this package.

    Without one nobody could train it yet for all: each user does, and results say by which hash.
    """

    net: Net
    sha256: str | None = None


_CLOTHES_OR_DIGITS = Net(28, 1, ((5, 16), (3, 32)), (64,), 10)
_OBJECTS = Net(32, 3, ((5, 32), (3, 64), (3, 128)), (96,), 10)

KNOWN: dict[str, Known] = {
    "digits": Known(
        Net(8, 1, (), (192, 64), 10),
        "6b3ee9f643b9e02fb3db01b67cf711ddd5c6e356fd176c7198205a4c72ece491",
    ),
    "mnist": Known(
        _CLOTHES_OR_DIGITS, "f75626767961f35aba23d48e4510a4ac5b64d8aaf5e3887f10f3c892ca08ff0d"
    ),
    "fashion-mnist": Known(_CLOTHES_OR_DIGITS),
    "cifar10": Known(_OBJECTS),
    "celeba": Known(_OBJECTS._replace(classes=8)),
}


def weights_path(name: str) -> Path:
    """Where judge `name` has its weights: in this package, or in the user's own folder."""
    own = platformdirs.user_data_path("ganbench") / "judges"
    return (own if KNOWN[name].sha256 is None else WEIGHTS) / f"{name}.npz"


def image_judge(name: str) -> Judge:
    """The judge of image set `name`.

    Raises:
        BadInput: its file is missing, not whole, or, in this package, not the pinned one.
    """
    path, (net, sha256) = weights_path(name), KNOWN[name]
    if sha256 is not None:
        return Judge(reader(net), load(path, sha256), sha256)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        weights = load(path, found)
        fits = {n: np.shape(w) for n, w in weights.items()} == net.parameters()
    except FileNotFoundError:
        raise BadInput(f"judge {name}: no weights in {path}; {_train(name)}") from None
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile):
        fits = False
    if not fits:
        raise BadInput(f"judge {name}: {path} holds no weights of its net; {_train(name)}")
    return Judge(reader(net), weights, found)


def _train(name: str) -> str:
    return f"type: ganbench judge train {name}"
