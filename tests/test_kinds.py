"""What a judge of drawings learns from: soft images, and what has lost its shape."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganbench.judges.classifier import fit
from ganbench.judges.images import none_odds
from ganbench.judges.kinds import KINDS, drawn, jigsaw, overlaid, softened, speckled
from ganbench.judges.lessons import LESSONS
from ganbench.tasks.digits import split

KEY = jax.random.key(0)


def strokes(n=6, side=28):
    """A bright bar each, at another place."""
    x = -np.ones((n, side, side, 1), np.float32)
    for i in range(n):
        x[i, 6:22, 8 + i : 11 + i] = 1
    return x


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.make.__name__)
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_every_kind_makes_images_of_their_shape_and_range(kind, shape):
    x = jax.random.uniform(KEY, (5, *shape), minval=-1.0)
    made = kind.make(KEY, x, x[::-1])
    assert made.shape == x.shape and bool(jnp.isfinite(made).all())
    assert -1.001 <= made.min() and made.max() <= 1.001
    assert bool((made != kind.make(jax.random.key(1), x, x[::-1])).any()) or kind.make is overlaid


def test_soft_images_keep_their_place_and_lose_contrast():
    x = np.tile(strokes(), (8, 1, 1, 1))
    made = np.asarray(softened(KEY, x, x))
    middles = np.tile(np.arange(9, 15), 8)
    np.testing.assert_allclose(made[:, 14, :, 0].argmax(1), middles, atol=1)
    spread = made.std((1, 2, 3)) / x.std((1, 2, 3))
    assert spread.min() > 0.5 and spread.max() <= 1.001
    mass = (made + 1).sum((1, 2, 3)) / (x + 1).sum((1, 2, 3))
    assert mass.min() > 0.74 and mass.max() < 1.001


def test_a_jigsaw_has_the_same_pixels_elsewhere():
    x = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    made = np.asarray(jigsaw(KEY, x, x))
    np.testing.assert_array_equal(np.sort(made.reshape(3, -1)), np.sort(x.reshape(3, -1)))
    tiles = {x[0, a : a + 7, b : b + 7].tobytes() for a in range(0, 28, 7) for b in range(0, 28, 7)}
    own = {
        made[0, a : a + 7, b : b + 7].tobytes() for a in range(0, 28, 7) for b in range(0, 28, 7)
    }
    assert own == tiles and (made != x).any()


def test_speckles_are_where_the_image_is():
    x = strokes()
    flipped = np.asarray(speckled(KEY, x, x)) != x
    assert 0.02 < flipped.mean() < 0.2
    assert not flipped[:, :2].any() and not flipped[:, -2:].any()


def test_what_is_of_a_class_is_of_its_images_and_the_rest_of_none():
    """Every image's brightness is its class, which nothing but blur and contrast may move."""
    images = jnp.linspace(-1, 1, 10)[:, None, None, None] * jnp.ones((10, 28, 28, 1))
    x, answers, _ = drawn(KEY, KINDS, images, jnp.arange(10), 10, 10)
    real = np.repeat([kind.real for kind in KINDS], [kind.number for kind in KINDS])
    assert (answers[~real] == 10).all() and len(set(answers[real].tolist())) == 10
    middle = np.asarray(x)[:, 12:16, 12:16, 0].mean((1, 2))[real]
    brightest = np.asarray(images)[answers[real], 14, 14, 0]
    assert (middle <= brightest + 0.05).all() and (middle + 1 >= 0.7 * (brightest + 1) - 0.05).all()


def test_two_of_one_class_count_for_nothing():
    both = np.repeat([kind.both for kind in KINDS], [kind.number for kind in KINDS])
    *_, weight = drawn(KEY, KINDS, strokes(40), jnp.zeros(40, int), 40, 10)
    np.testing.assert_array_equal(weight, ~both)
    *_, weight = drawn(KEY, KINDS, strokes(40), jnp.arange(40), 40, 40)
    assert weight[~both].all() and weight[both].mean() > 0.8


@pytest.mark.slow
def test_a_judge_of_digits_learns_from_kinds_what_it_did_not_know():
    """Share of held-out digits that are taken for one: soft ones, and those cut to pieces."""
    data, lesson = split(), LESSONS["digits"]._replace(steps=120)
    x = jnp.asarray(data.held_out)

    def taken(kinds):
        own = lesson._replace(kinds=kinds)
        weights = fit(own, 0, data.train, data.train_labels)
        made = [make(KEY, x, x) for make in (softened, jigsaw)]
        return [float(jnp.mean(none_odds(own.classify(weights, m)[0]) < 0)) for m in made]

    (soft, cut), (soft_before, cut_before) = taken(KINDS), taken(())
    assert soft > soft_before + 0.02 and cut < cut_before / 3
