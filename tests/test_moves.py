"""How often a player moves, how fast and how wide it is: what a suite may say of each."""

import jax
import numpy as np
import pytest
from claimed import GOOD, written
from methods import setting

from ganbench import suite as suites
from ganbench.budget import setting_of
from ganbench.plan import group_budget, groups
from ganbench.registry import recipe, resolve
from ganbench.shared import shared_of
from ganbench.tasks.catalogue import TASKS


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("nonsaturating", (("d",), ("d",), ("d",), ("g",), ("g",))),
        ("ali", (("d",), ("d",), ("d",), ("g", "e"), ("g", "e"))),
        ("vae", (("g", "e"), ("g", "e"))),
    ],
)
def test_players_move_as_often_as_the_setting_says(method, expected):
    own = resolve(method, {})
    made = recipe(method, own, setting()._replace(d_steps=3, g_steps=2))
    assert made.schedule == expected
    assert recipe(method, own, setting()).schedule == tuple(dict.fromkeys(expected))


def test_a_discriminator_may_have_a_rate_and_a_width_of_its_own(tmp_path):
    more = 'width = 8\nd_width = 3\nd_learning_rate = 0.5\nd_optimizer = "sgd"'
    suite = suites.read(written(tmp_path, GOOD.replace("width = 8", more)))
    task = TASKS["digits"]()
    group = next(g for g in groups(suite) if g.method == "nonsaturating")
    own = setting_of(task, group.lanes[0].values, group_budget(suite, group, task), shared_of(task))
    assert own.optimizer.rate == 1e-3 and own.d_optimizer.rate == 0.5
    sizes = {
        role: [x.shape for x in jax.tree.leaves(jax.eval_shape(net.init, jax.random.key(0), x)[0])]
        for role, net, x in (
            ("generator", own.zoo["generator"], np.ones((2, 4))),
            ("discriminator", own.zoo["discriminator"], np.ones((2, 8, 8, 1))),
        )
    }
    assert (4, 8) in sizes["generator"] and (64, 3) in sizes["discriminator"]
    made = recipe("nonsaturating", {}, own)
    state = made.opts["d"].init({"w": np.ones(2)})
    moved, _ = made.opts["d"].step({"w": np.ones(2)}, state, {"w": np.ones(2)}, np.zeros(()))
    np.testing.assert_allclose(moved["w"], 0.5)  # 1 - 0.5 * 1: no Adam
