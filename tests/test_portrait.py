"""Where the players of a game go from any start, against closed forms."""

import numpy as np
import pytest

from ganbench.diagnostics.portrait import paths
from ganbench.errors import BadInput

STARTS = np.array([[1.0, 1.0], [0.5, -2.0], [0.0, 0.3]])


def test_simultaneous_descent_on_the_bilinear_game_leaves_as_theory_says():
    """A step turns the point and takes it sqrt(1 + h^2) times as far."""
    found = np.linalg.norm(paths("bilinear", "wasserstein+simultaneous", STARTS, 50, 0.1), axis=-1)
    expected = np.linalg.norm(STARTS, axis=1)[:, None] * 1.01 ** (np.arange(51) / 2)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_one_step_is_the_games_field():
    """Simultaneous minimax: theta - h psi s, psi + h theta s, s the slope of the logistic loss."""
    moved = np.diff(paths("dirac", "minimax+simultaneous", STARTS, 1, 0.2), axis=1)[:, 0]
    theta, psi = STARTS.T
    slope = 1 / (1 + np.exp(-theta * psi))
    expected = 0.2 * np.stack([psi * slope, -theta * slope], axis=1)
    np.testing.assert_allclose(moved, expected, rtol=1e-5)


def test_r1_comes_in_at_its_rate():
    """|1 + h lambda| = sqrt(1 - h gamma + h^2 / 4) below the critical gamma, near equilibrium."""
    (path,) = paths("dirac", "r1+simultaneous", [(0.01, 0.01)], 200, 0.2, {"r1.gamma": 0.3})
    distance = np.log(np.linalg.norm(path, axis=1))
    rate = np.exp(np.polyfit(np.arange(201), distance, 1)[0])
    assert rate == pytest.approx(np.sqrt(1 - 0.2 * 0.3 + 0.01), abs=3e-4)


def test_the_rate_is_that_of_the_notebook_unless_it_is_said():
    usual = paths("dirac", "minimax", STARTS, 3)
    np.testing.assert_array_equal(usual, paths("dirac", "minimax", STARTS, 3, 0.2))


@pytest.mark.parametrize(
    "words, told",
    [
        (("ring", "minimax"), "'ring' is no game of two numbers"),
        (("nope", "minimax"), "unknown task 'nope'"),
        (("dirac", "nope"), "unknown name 'nope'"),
    ],
)
def test_what_is_no_game_is_refused(words, told):
    with pytest.raises(BadInput, match=told):
        paths(*words, STARTS, 1)
