"""How a judge of images is trained, checked, and described beside its weights."""

import hashlib
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jax.random import fold_in
from scipy import stats
from sklearn.model_selection import StratifiedKFold

from ganbench.judges.examples import blurred, examples
from ganbench.judges.files import npz
from ganbench.judges.images import none_odds
from ganbench.judges.kinds import Kind, drawn
from ganbench.seeds import fold_name
from ganbench.tasks.base import Judge, Split

ROWS = 2048  # images are padded to a multiple, so that every fold runs the same compiled program
AT_ONCE = 1000  # images judged at a time
ALL_PAIRS, SOME_PAIRS = 1000, 20_000  # images whose pairs are all blended; else so many pairs

TAUGHT = ("steps", "rate", "decay", "folds", "passed", "photographs")

Weights = dict[str, np.ndarray]
Progress = Callable[[int, int], None]  # (fits done, fits in all)


class Lesson(NamedTuple):
    """A judge's net, and all that it is taught by.

    No weight and no threshold was ever fitted to a held-out image. What the small digits are taught
    by was chosen by cross-validation; MNIST's rate, at a third of its steps, by held-out accuracy
    too: 0.983 to 0.986 for five of them.
    """

    split: Callable[[], Split]  # images as float32 in [-1, 1]
    initial: Callable[[jax.Array], Any]  # key -> first kernels and biases
    classify: Callable[[Any, jax.Array], tuple[jax.Array, jax.Array]]  # -> logits, hidden values
    judge: Callable[[], Judge]  # the one in use
    sha256: str | None  # of the committed file, if there is one
    classes: int
    steps: int
    rate: float  # of AdamW, falling to zero along a cosine
    decay: float = 1e-2
    folds: int = 5
    passed: float = 0.97  # share of out-of-fold training images below the gate's threshold
    photographs: bool = False  # which have no background, and mirror images of their class
    kinds: tuple[Kind, ...] = ()  # what it learns from beside `examples`


def train(
    lesson: Lesson, seed: int = 0, progress: Progress | None = None
) -> tuple[Weights, list[float]]:
    """Remakes a judge: kernels, biases and the gate's threshold, all float32; and how right it is.

    The net is fitted to all training images. More nets are fitted, each without one stratified fold
    of them. From the net that has not seen it each image gets its log-odds of "none", of which the
    `passed` quantile is the threshold, and its answer: their accuracies, but for "none", by fold.
    The same seed on the same machine, with the same versions and XLA flags, gives the same bytes.
    """
    data = lesson.split()
    folds = StratifiedKFold(lesson.folds, shuffle=True, random_state=0)
    odds: list[np.ndarray] = []
    accuracies: list[float] = []
    report = _counted(progress, lesson.folds + 1)
    for rest, fold in folds.split(data.train_labels, data.train_labels):
        weights = fit(lesson, seed, data.train[rest], data.train_labels[rest])
        logits = _logits(lesson, weights, data.train[fold])
        odds.append(np.asarray(none_odds(logits)))
        accuracies.append(_accuracy(logits, data.train_labels[fold]))
        report()
    weights = fit(lesson, seed, data.train, data.train_labels)
    report()
    threshold = np.quantile(np.concatenate(odds).astype(np.float64), lesson.passed)
    return weights | {"threshold": np.asarray(threshold, np.float32)}, accuracies


def rates(lesson: Lesson, weights: Weights) -> dict[str, float]:
    """What the judge makes of held-out images and of images that are none; fixed seeds.

    `accuracy` is that of all answers but "none" on the held-out images. The others are shares
    accepted: of those images; of 20,000 images of uniform noise on [-1, 1]; of 20,000 of Gaussian
    noise with the training pixels' mean and standard deviation, clipped to [-1, 1]; of blends, half
    and half, of two held-out images of different classes, all or 20,000 drawn; of the held-out
    images with their pixels shuffled, and blurred; and of what the lesson's `kinds` make of them.
    """
    data = lesson.split()
    real, labels = data.held_out, data.held_out_labels
    first, second = _pairs(labels)
    uniform, normal, shuffle = jr.split(jr.key(0), 3)
    shape = (20_000, *real.shape[1:])
    gaussian = data.train.mean() + data.train.std() * jr.normal(normal, shape)
    kinds = {
        "images": real,
        "uniform": jr.uniform(uniform, shape, minval=-1.0, maxval=1.0),
        "gaussian": jnp.clip(gaussian, -1.0, 1.0),
        "blends": (real[first] + real[second]) / 2,
        "shuffled": _each_shuffled(shuffle, real),
        "blurred": blurred(real, lesson.photographs),
    }
    for kind in lesson.kinds:
        kinds[kind.make.__name__] = kind.make(jr.key(1), real[first], real[second])
    accuracy = _accuracy(_logits(lesson, weights, real), labels)
    accepted = {name: float(np.mean(_accepted(lesson, weights, x))) for name, x in kinds.items()}
    return {"accuracy": accuracy} | accepted


def provenance(lesson: Lesson, weights: Weights, accuracies: list[float]) -> dict[str, Any]:
    """What is written beside the weights: how good they are, and what they were made with."""
    content, data = npz(weights), lesson.split()
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "images": {"train": len(data.train), "held_out": len(data.held_out)},
        "layers": [list(weights[f"kernel_{i}"].shape) for i in range(len(weights) // 2)],
        "taught": {name: getattr(lesson, name) for name in TAUGHT},
        "kinds": {kind.make.__name__: kind.number for kind in lesson.kinds},
        "threshold": float(weights["threshold"]),
        "rates": {name: round(rate, 6) for name, rate in rates(lesson, weights).items()},
        "fold_accuracies": [round(accuracy, 6) for accuracy in accuracies],
        "fold_accuracy_mean": round(float(np.mean(accuracies)), 6),
        "fold_accuracy_interval_95": [round(end, 6) for end in interval(accuracies)],
        "versions": {name: version(name) for name in ("jax", "numpy", "optax", "scikit-learn")},
    }


def agreement(lesson: Lesson, weights: Weights, others: Weights) -> float:
    """Share of the held-out images that `weights` and `others` give the same mode."""
    images = lesson.split().held_out
    both = [_logits(lesson, w, images)[:, :-1] for w in (weights, others)]
    return float(np.mean(np.argmax(both[0], axis=-1) == np.argmax(both[1], axis=-1)))


def interval(accuracies: list[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean over folds: mean -+ t s / sqrt(folds).

    It takes the folds for independent, which sharing their training images makes only nearly true.
    """
    mean, count = float(np.mean(accuracies)), len(accuracies)
    error = float(stats.t.ppf(0.975, count - 1) * np.std(accuracies, ddof=1) / np.sqrt(count))
    return mean - error, mean + error


def fit(lesson: Lesson, seed: int, images: np.ndarray, labels: np.ndarray) -> Weights:
    """Kernels and biases fitted to `images`, (count, height, width, channels), and `labels`."""
    spare = -len(images) % ROWS
    padded = np.pad(images, ((0, spare), *[(0, 0)] * 3)), np.pad(labels, (0, spare))
    made = _fitted(lesson, seed, *padded, len(images))
    return {name: np.asarray(w) for name, w in made.items()}


@partial(jax.jit, static_argnums=0)
def _fitted(lesson: Lesson, seed, images, labels, count):
    """`fit`, as one program; only the first `count` images are drawn."""
    key = jr.key(seed)
    schedule = optax.cosine_decay_schedule(lesson.rate, lesson.steps)
    optimizer = optax.adamw(schedule, weight_decay=lesson.decay)
    params = lesson.initial(key)
    layers = len(params) // 2

    def step(carry, t):
        params, state = carry
        own = fold_in(key, layers + t)
        batch = examples(own, images, labels, count, lesson.classes, lesson.photographs)
        if lesson.kinds:
            # of a name, not a number: a number's key is one of those that `examples` splits off
            other = fold_name(own, "kinds")
            more = drawn(other, lesson.kinds, images, labels, count, lesson.classes)
            batch = tuple(map(jnp.concatenate, zip(batch, more, strict=True)))
        x, y, weight = batch

        def loss(params):
            logits, _ = lesson.classify(params, x)
            entropy = optax.softmax_cross_entropy_with_integer_labels(logits, y)
            return jnp.mean(weight * entropy)

        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), jnp.arange(lesson.steps))
    return params


def _logits(lesson: Lesson, weights: Weights, images: np.ndarray) -> np.ndarray:
    """(count, classes + 1) logits of `images`, some at a time."""
    classify = jax.jit(lesson.classify)
    parts = [images[i : i + AT_ONCE] for i in range(0, len(images), AT_ONCE)]
    return np.concatenate([np.asarray(classify(weights, part)[0]) for part in parts])


def _each_shuffled(key: jax.Array, images: np.ndarray) -> jax.Array:
    """`images` with their pixels in another order each."""
    flat = images.reshape(len(images), -1, images.shape[-1])
    keys = jr.split(key, len(images))
    return jax.vmap(jr.permutation)(keys, flat).reshape(images.shape)


def _accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """The share of answers, of all but "none", that are right."""
    return float(np.mean(np.argmax(logits[:, :-1], axis=-1) == labels))


def _accepted(lesson: Lesson, weights: Weights, images: Any) -> np.ndarray:
    return np.asarray(none_odds(_logits(lesson, weights, images))) < weights["threshold"]


def _pairs(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices (first, second) of pairs of different classes: all of a small set's, else some."""
    if len(labels) <= ALL_PAIRS:
        first, second = np.nonzero(np.triu(labels[:, None] != labels[None, :]))
        return first, second
    first, second = np.random.default_rng(0).integers(len(labels), size=(2, SOME_PAIRS))
    apart = labels[first] != labels[second]
    return first[apart], second[apart]


def _counted(progress: Progress | None, total: int) -> Callable[[], None]:
    """A function that reports one more fit done each time it is called."""
    done = iter(range(1, total + 1))
    return lambda: progress(next(done), total) if progress else None
