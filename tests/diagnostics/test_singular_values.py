"""Singular values of weights whose singular values are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods import setting
from small import KEY, T

from ganbench import registry
from ganbench.diagnostics.inside import inside
from ganbench.diagnostics.singular_values import matrices, singular_values
from ganbench.game import Game, Net
from ganbench.setting import plain

DIAGONAL = jnp.diag(jnp.array([3.0, -2.0, 0.5]))
RANK_ONE = jnp.outer(jnp.array([1.0, 2.0]), jnp.array([3.0, 0.0, 4.0]))  # |u| |v| = 5 sqrt(5)
TAPS = jnp.zeros((2, 1, 3, 2)).at[0, 0, 0, 0].set(2.0).at[1, 0, 2, 0].set(1.0)


def measured(weights):
    """What is measured of a game whose only player `d` has these weights."""
    here = setting()
    net = Net(lambda key: (weights, {}), lambda params, aux, key=None: jnp.zeros(()))

    def losses(players, data, key, t):
        return {"d": players("d")}, {}

    game = Game(lambda nets, data, key: {"d": nets["d"].init(key)}, losses)
    recipe = plain(here)
    recipe = recipe._replace(
        nets={"d": net}, opts={"d": recipe.opts["d"]}, game=game, schedule=(("d",),)
    )
    made = inside(recipe, here)
    found = singular_values.measure(made)(made.method.init(KEY), KEY, T)
    found = singular_values.reduced(jax.tree.map(np.asarray, found))
    return {name: float(value[0]) for name, value in found.items()}


@pytest.mark.parametrize(
    ("weight", "largest", "smallest", "stable_rank"),
    [
        (DIAGONAL, 3.0, 0.5, (9 + 4 + 0.25) / 9),
        (RANK_ONE, 5 * np.sqrt(5), 0.0, 1.0),
        (TAPS, np.sqrt(5), 0.0, 1.0),  # two taps of three inputs: one column of (6, 2)
    ],
)
def test_closed_forms(weight, largest, smallest, stable_rank):
    made = measured({"layer": {"kernel": weight, "bias": jnp.ones(3)}})
    assert made == pytest.approx(
        {
            "d/layer.kernel/largest": largest,
            "d/layer.kernel/smallest": smallest,
            "d/layer.kernel/stable_rank": stable_rank,
        },
        abs=1e-5,
    )


def test_a_weight_of_zeros_has_no_stable_rank():
    made = measured({"w": jnp.zeros((2, 3))})
    assert made["d/w/largest"] == made["d/w/smallest"] == 0
    assert np.isnan(made["d/w/stable_rank"])


def test_vectors_and_counts_are_no_matrices():
    params = {
        "bias": jnp.ones(3),
        "count": jnp.ones((2, 2), int),
        "deep": [{"w": jnp.ones((2, 2))}],
    }
    assert list(matrices(params)) == ["deep.0.w"]


def test_spectral_normalization_shows_what_it_divides_by():
    here = setting()
    made = inside(registry.recipe("spectral-norm", {}, here), here)
    state = made.method.init(KEY)
    weight = state.params["d"]["Hidden_0"]["Dense_0"]["kernel"]
    found = singular_values.measure(made)(state, KEY, T)
    found = singular_values.reduced(jax.tree.map(np.asarray, found))
    expected = np.linalg.svd(np.asarray(weight), compute_uv=False)
    assert found["d/Hidden_0.Dense_0.kernel/largest"][0] == pytest.approx(expected[0], rel=1e-5)
    assert found["d/Hidden_0.Dense_0.kernel/smallest"][0] == pytest.approx(expected[-1], rel=1e-5)
