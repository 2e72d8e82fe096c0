"""Points of a box of hyperparameters."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from ganbench.axes import BoxTable, Range
from ganbench.box import points
from ganbench.errors import BadInput

EBGAN = BoxTable(
    points=64,
    shapes=32,
    width=[50, 100, 200, 400],
    depth=[2, 3, 4, 5],
    d_width=[16, 32, 64, 128],
    d_depth=[2, 3, 4, 5],
    dropout=[0.0, 0.5],
)


def shape(point):
    return tuple(point[n] for n in ("width", "depth", "d_width", "d_depth"))


def test_points_are_spread_over_shapes_and_the_lists_of_each():
    made = points(EBGAN, 0, "mnist")
    assert len(made) == len({tuple(sorted(p.items())) for p in made}) == 64
    counts = Counter(map(shape, made))
    assert len(counts) == 32 and set(counts.values()) == {2}
    assert Counter(p["dropout"] for p in made) == {0.0: 32, 0.5: 32}


def test_points_depend_on_seed_and_task_alone():
    assert points(EBGAN, 0, "mnist") == points(EBGAN, 0, "mnist")
    assert points(EBGAN, 1, "mnist") != points(EBGAN, 0, "mnist")
    assert points(EBGAN, 0, "cifar10") != points(EBGAN, 0, "mnist")
    # a further axis of numbers moves none of the others
    wider = EBGAN.model_copy(update={"learning_rate": Range(low=1e-4, high=1e-2)})
    both = points(wider, 0, "mnist")
    rates = [p.pop("learning_rate") for p in both]
    assert both == points(EBGAN, 0, "mnist")
    assert len(set(rates)) == 64


def test_shapes_are_drawn_evenly():
    seen = Counter(v for seed in range(40) for v in map(shape, points(EBGAN, seed, "mnist")))
    assert sum(seen.values()) == 40 * 64
    # each of 256 shapes is among 32 with probability 1 / 8: mean 5 of 40 seeds, sd 2.1, twice each
    assert len(seen) > 240 and max(seen.values()) <= 2 * 14


@pytest.mark.parametrize("log", [True, False])
def test_numbers_are_uniform_within_their_range(log):
    box = BoxTable(points=2000, learning_rate=Range(low=1e-4, high=1e-1, log=log))
    values = np.array([p["learning_rate"] for p in points(box, 0, "ring")])
    assert values.min() >= 1e-4 and values.max() <= 1e-1
    scale = (lambda x: np.log10(x / 1e-4) / 3) if log else (lambda x: (x - 1e-4) / (1e-1 - 1e-4))
    assert stats.kstest(scale(values), "uniform").pvalue > 0.01


def test_numbers_are_what_a_table_shows():
    box = BoxTable(points=50, learning_rate=Range(low=1e-4, high=1e-1))
    assert all(
        float(f"{p['learning_rate']:.4g}") == p["learning_rate"] for p in points(box, 0, "a")
    )


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (BoxTable(points=9, width=[8, 16], depth=[1, 2]), "points = 9: the box has 4"),
        (BoxTable(points=9, width=[8, 16], dropout=[0.0, 0.5]), "points = 9: the box has 2 shapes"),
        (BoxTable(points=5, shapes=5, width=[8, 16, 32, 64]), "shapes = 5: the box has 4"),
    ],
)
def test_a_box_that_is_too_small_is_refused(box, message):
    with pytest.raises(BadInput, match=message):
        points(box, 0, "ring")
