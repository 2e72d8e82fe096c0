"""The gradient of every loss, as its player has it, against the loss's own values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from methods import BASES, KEY, MODIFIERS, doubled, setting, small
from small import at, objective_of

from ganbench import registry
from ganbench.assembly import assemble
from ganbench.game import player
from ganbench.setting import data

#: What is a constant to the gradient, or a gradient without a value, because the paper says so.
BY_DESIGN = {"egan-ent-nn": {"g"}, "entropy-sgd": {"d", "g"}, "gradient-noise": {"d", "g"}}
STEP = 1e-5  # error of a central difference in float64: STEP^2, and 1e-16 / STEP


#: The others are slow: each takes a second to compile.
FEW = ("nonsaturating", "mdgan", "r1", "unrolled")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in FEW else pytest.mark.slow)
        for name in BASES + MODIFIERS
    ],
)
def test_a_player_follows_the_whole_of_its_loss(name):
    """Along a random direction: a term that is cut off from its player somewhere shows."""
    with jax.enable_x64(True):
        here = setting(dtype=jnp.float64)
        recipe = registry.recipe(name, small(name), here)
        batches = data(here)
        state = jax.tree.map(
            doubled, assemble(recipe._replace(outer=lambda m: m), batches).init(KEY)
        )

        objective = objective_of(recipe, batches)
        for loss in sorted({loss for phase in recipe.schedule for loss in phase}):
            flat, unravel = ravel_pytree(state.params[player(loss)])
            ahead = np.random.default_rng(0).standard_normal(flat.shape)

            def along(s, loss=loss, flat=flat, unravel=unravel, ahead=ahead):
                moved = at(state, **{player(loss): unravel(flat + s * ahead)})
                return objective(moved, KEY, jnp.int32(0))[0][loss]

            slope = float(jax.grad(along)(0.0))
            difference = float(along(STEP) - along(-STEP)) / (2 * STEP)
            equal = slope == pytest.approx(difference, rel=1e-5, abs=1e-7)
            assert equal != (loss in BY_DESIGN.get(name, ())), (loss, slope, difference)
