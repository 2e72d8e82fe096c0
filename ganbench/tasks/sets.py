"""The image sets there are: tensorflow-datasets' names, and what of a record is its class."""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganbench.errors import BadInput, choices


class ImageSet(NamedTuple):
    """A data set of tensorflow-datasets, and how its records become images of a class."""

    tfds: str  # its name there
    shape: tuple[int, int, int]  # (height, width, channels) as tasks see it
    classes: tuple[str, ...]
    images: tuple[int, int]  # to train on and held out, of the whole set
    rarest: float  # no class has a smaller share of the training split
    label: Callable[[Mapping[str, Any]], int]
    pixels: Callable[[Image.Image], np.ndarray]


def image_set(name: str) -> ImageSet:
    """The set called `name`.

    Raises:
        BadInput: there is none.
    """
    if name not in SETS:
        raise BadInput(f"data: unknown data set {name!r}; known: {choices(SETS)}")
    return SETS[name]


def _labelled(record: Mapping[str, Any]) -> int:
    return int(record["label"])


def _attributes(record: Mapping[str, Any]) -> int:
    male, smiling, young = (bool(record["attributes"][name]) for name in ATTRIBUTES)
    return 4 * male + 2 * smiling + young


def _face(image: Image.Image) -> np.ndarray:
    """The central square of 140 of a face's 178 x 218 pixels, averaged down to 32 x 32."""
    left, top = (image.width - FACE) // 2, (image.height - FACE) // 2
    box = (left, top, left + FACE, top + FACE)
    return np.asarray(image.resize((32, 32), Image.Resampling.BOX, box))


ATTRIBUTES = ("Male", "Smiling", "Young")  # of CelebA's 40, those that split it most evenly
FACE = 140  # most of the background goes, the face stays
_DIGITS = tuple("0123456789")
_CLOTHES = (
    *("T-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
_CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FACES = tuple(
    f"{who}, {'smiling' if smiling else 'serious'}, {'young' if young else 'not young'}"
    for who, smiling, young in product(("female", "male"), (False, True), (False, True))
)

#: The rarest shares: MNIST's 5,421 fives of 60,000; Fashion-MNIST and CIFAR-10 are balanced; of
#: CelebA's eight kinds of face a lower bound.
SETS: dict[str, ImageSet] = {
    "mnist": ImageSet(
        "mnist", (28, 28, 1), _DIGITS, (60_000, 10_000), 0.0903, _labelled, np.asarray
    ),
    "fashion-mnist": ImageSet(
        "fashion_mnist", (28, 28, 1), _CLOTHES, (60_000, 10_000), 0.1, _labelled, np.asarray
    ),
    "cifar10": ImageSet(
        "cifar10", (32, 32, 3), _CIFAR, (50_000, 10_000), 0.1, _labelled, np.asarray
    ),
    "celeba": ImageSet("celeb_a", (32, 32, 3), _FACES, (162_770, 19_962), 0.01, _attributes, _face),
}
