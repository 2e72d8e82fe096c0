"""What every judge of images learns from."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.random import key

from ganbench.judges.examples import BLENDS, DITHER, FAKE, REAL, blurred, examples


def made(images, photographs=False):
    """(images, answers, weights) by kind, from `images` of ten classes in turn."""
    labels = jnp.arange(len(images)) % 10
    batch = examples(key(0), images, labels, len(images), 10, photographs)
    ends = np.cumsum([REAL, FAKE, FAKE, FAKE, FAKE, BLENDS * FAKE])
    names = ("real", "uniform", "gaussian", "shuffled", "blurred", "blends")
    parts = [np.split(np.asarray(x), ends[:-1]) for x in batch]
    assert len(batch[0]) == ends[-1]
    return dict(zip(names, zip(*parts, strict=True), strict=True))


@pytest.mark.parametrize("photographs", [False, True])
def test_what_lies_beyond_an_edge_is_background_or_more_of_the_image(photographs):
    """Flat images: only a background can make their frames darker."""
    grey = 0.5 * jnp.ones((20, 32, 32, 3))
    batch = made(grey, photographs)
    for kind, darker in (("real", 0.02), ("blurred", 0.9)):
        frame = batch[kind][0][:, [0, -1]].mean((1, 2, 3))
        dark = np.mean(frame < 0.5 - 5 * DITHER / np.sqrt(2 * 32 * 3))
        assert dark == 0 if photographs else dark > darker, kind
    apart = np.abs(blurred(grey, photographs) - grey).max()
    assert apart < 1e-5 if photographs else apart > 0.3


def test_answers_are_the_images_own_and_none_for_the_rest():
    """Every image's brightness is its class."""
    images = jnp.linspace(-0.9, 0.9, 10)[:, None, None, None] * jnp.ones((10, 32, 32, 3))
    batch = made(images, photographs=True)
    x, answers, weights = batch.pop("real")
    np.testing.assert_array_equal(answers, np.rint((x.mean((1, 2, 3)) + 0.9) / 0.2))
    assert weights.all() and len(set(answers)) == 10
    blends, _, counted = batch["blends"]
    between = (blends.mean((1, 2, 3)) + 0.9) / 0.1 % 2  # of two classes' indices, their sum
    odd = np.abs(between - 1) < 0.3
    assert odd.any() and counted[odd].all()  # an odd sum is never of one class twice
    assert 0.8 < counted.mean() < 1
    for kind, (_, answers, weights) in batch.items():
        assert (answers == 10).all() and (kind == "blends" or weights.all()), kind


def test_half_of_the_photographs_are_mirrored_and_no_drawing_is():
    """Bright on their left alone."""
    x = np.full((10, 32, 32, 1), -1, np.float32)
    x[:, :, :8] = 1
    right = [
        (own["real"][0][:, :, 16:].mean((1, 2, 3)) > own["real"][0][:, :, :16].mean((1, 2, 3)))
        for own in (made(jnp.asarray(x)), made(jnp.asarray(x), photographs=True))
    ]
    assert right[0].sum() == 0 and right[1].sum() == REAL // 2
