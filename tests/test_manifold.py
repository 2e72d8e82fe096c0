"""Precision, recall, density, coverage: against `prdc`, by hand, and at their floors."""

import numpy as np
import pytest
from evidenced import RNG
from prdc import compute_prdc
from sampled import reason, samples, scored, truth

K = {"precision": 3, "recall": 3, "density": 5, "nn_coverage": 5}
LINE = np.arange(6.0)[:, None]  # 0, 1, ..., 5: the third neighbour is 3, 2, 2, 2, 2, 3 away


@pytest.mark.parametrize(
    ("n", "m", "width", "shift"), [(300, 300, 2, 0.0), (250, 400, 8, 0.5), (400, 250, 64, 0.3)]
)
def test_as_prdc(n, m, width, shift, capsys):
    rng = RNG(0)
    made, real = rng.normal(size=(n, width)) + shift, rng.normal(size=(m, width))
    theirs = {k: compute_prdc(real, made, k) for k in (3, 5)}
    assert 0.01 < theirs[3]["precision"] < 0.99
    for name, k in K.items():
        score = scored(name, truth(real), samples(made))
        np.testing.assert_allclose(score.value, theirs[k][name.removeprefix("nn_")], rtol=1e-12)
        assert score[1:] == (n, m, f"k = {k}")


def test_a_collapsed_generator_has_precision_and_no_recall():
    """Which is which: public code has had them the other way round."""
    real = RNG(1).normal(size=(200, 2))
    collapsed = samples(real[:1] + 1e-3 * RNG(2).normal(size=(100, 2)))
    assert scored("precision", truth(real), collapsed).value == 1
    assert scored("recall", truth(real), collapsed).value <= 0.01
    assert scored("nn_coverage", truth(real), collapsed).value < 0.1
    scattered = samples(10 * RNG(3).normal(size=(100, 2)))
    assert scored("precision", truth(real), scattered).value < 0.2
    assert scored("recall", truth(real), scattered).value == 1


def test_by_hand():
    made = samples([[0.5], [6.0], [9.0], [20.0]])
    # balls of the line, k = 3, reach to 3, 3, 4, 5, 6, 8: 0.5 and 6 are inside
    assert scored("precision", truth(LINE), made).value == 0.5
    # third neighbours of the made ones: 19.5, 14, 11, 19.5: all the line is inside
    assert scored("recall", truth(LINE), made).value == 1
    # k = 5: radii 5, 4, 3, 3, 4, 5. 0.5 is in all balls but those about 4 (3.5 < 4: in) and 5
    # (4.5 < 5: in), so in 6; 6 is in those about 3, 4, 5; 9 in that about 5
    assert scored("density", truth(LINE), made).value == (6 + 3 + 1 + 0) / (5 * 4)
    assert scored("nn_coverage", truth(LINE), made).value == 1
    assert scored("nn_coverage", truth(LINE), samples([[9.0]])).value == 1 / 6


def test_balls_are_closed():
    """A point at the radius is inside; a ball of radius 0 holds the copies of its centre."""
    on_edge = samples([[-3.0], [-3.01]])  # the ball about 0 reaches to -3
    assert scored("precision", truth(LINE), on_edge).value == 0.5
    repeated = np.repeat(LINE[:2], 6, axis=0)
    copies = samples(repeated)
    for name, value in {"precision": 1, "recall": 1, "density": 6 / 5, "nn_coverage": 1}.items():
        assert scored(name, truth(repeated), copies).value == value
        assert scored(name, truth(repeated), samples(repeated + 0.1)).value == 0
    against_itself = RNG(4).normal(size=(100, 3))
    itself = scored("density", truth(against_itself), samples(against_itself))
    np.testing.assert_allclose(itself.value, 6 / 5, rtol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(300, 300), (600, 300)])
@pytest.mark.parametrize("width", [2, 32])
def test_floors_of_density_and_coverage(n, m, width):
    """Ranks alone decide, so neither floor depends on the distribution.

    Of the m - 1 + n others of a real sample, none of the nearest five is generated; with n = m that
    is 2^-5. A ball to the k-th of m - 1 neighbours holds k / m of the mass on average.
    """
    rng, repeats = RNG(5), 40
    scores = {"density": [], "nn_coverage": []}
    for _ in range(repeats):
        real, made = truth(rng.normal(size=(m, width))), samples(rng.normal(size=(n, width)))
        for name, values in scores.items():
            values.append(scored(name, real, made).value)
    missed = np.prod([(m - 1 - i) / (m - 1 + n - i) for i in range(5)])
    if n == m:
        assert abs(missed - 2**-5) < 2e-3
    for name, floor in {"density": 1, "nn_coverage": 1 - missed}.items():
        error = np.std(scores[name], ddof=1) / np.sqrt(repeats)
        assert abs(np.mean(scores[name]) - floor) < 3 * error < 0.1


def test_a_perfect_model_has_neither_precision_nor_recall_1():
    """As wide as in prdc's example (0.477, 0.471 at n = 10,000, k = 5), from fewer samples."""
    rng = RNG(6)
    real, made = rng.normal(size=(2, 500, 1000))
    assert 0.2 < scored("precision", truth(real), samples(made)).value < 0.6
    assert 0.2 < scored("recall", truth(real), samples(made)).value < 0.6


def test_features_are_compared_and_not_samples():
    rng = RNG(7)
    real, made = rng.normal(size=(2, 50, 3))
    for name in K:
        plain = scored(name, truth(real), samples(made)).value
        other = samples(rng.normal(size=(50, 4, 4, 1)), features=made)
        assert scored(name, truth(real), other).value == plain


def test_too_few():
    few, many = samples(LINE[:3]), samples(LINE)
    assert reason("precision", truth(LINE[:3]), many) == "3 samples, at least 4 needed"
    assert reason("recall", truth(LINE), few) == "3 samples, at least 4 needed"
    assert reason("density", truth(LINE[:5]), many) == "5 samples, at least 6 needed"
    assert scored("precision", truth(LINE), few).value == 1
    assert scored("nn_coverage", truth(LINE), few).value == 1
    assert scored("recall", truth(LINE[:1]), many).value == 1
