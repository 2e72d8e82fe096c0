"""A lane that is no longer finite: found, stopped, written down; its neighbours do not notice."""

from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from annotated_types import Gt
from grids import suite
from pydantic import AllowInfNan

import ganbench
from ganbench import registry, sweep
from ganbench.game import TrainState
from ganbench.harness import prepared
from ganbench.parts import add_to_loss
from ganbench.plan import budget_of
from ganbench.program import Lane, _finite
from ganbench.registry import Entry
from ganbench.tasks.catalogue import TASKS


def poisoned(nan_at: Annotated[float, Gt(0), AllowInfNan(True)] = float("inf")):
    def term(players, data, key, t):
        return jnp.where(t + 1 == nan_at, jnp.nan, 0.0)

    return add_to_loss("g", term)


def test_a_lane_that_breaks_stops_at_its_step_and_its_neighbours_do_not_notice(monkeypatch):
    monkeypatch.setitem(registry.METHODS, "poisoned", Entry(poisoned, "modifier"))
    task = TASKS["grid"]()
    made = suite({"poisoned": {}}, steps=200)
    budget = budget_of(made.tasks["grid"], task)._replace(block=4)

    def records(nan_at):
        lanes = [
            Lane(0, i, {"learning_rate": 1e-3, "poisoned.nan_at": at})
            for i, at in enumerate(nan_at)
        ]
        return prepared(task, "poisoned", {}, lanes, budget, jax.devices())()[0]

    whole = records([np.inf] * 4)
    broken = records([np.inf, 100.0, np.inf, np.inf])
    assert [r.diverged_at for r in whole] == [None] * 4
    assert [r.diverged_at for r in broken] == [None, 100, None, None]
    for i in (0, 2, 3):
        for a, b in zip(jax.tree.leaves(whole[i]), jax.tree.leaves(broken[i]), strict=True):
            assert np.array_equal(a, b, equal_nan=True)
    # the last finite state is kept, and its curves end with it
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(broken[1].params))
    assert np.isnan(broken[1].curves["loss/d"][2:]).all()
    assert np.isfinite(broken[1].curves["loss/d"][:2]).all()
    assert np.array_equal(whole[1].curves["loss/d"][0], broken[1].curves["loss/d"][0])


@pytest.mark.parametrize("bad", [jnp.inf, -jnp.inf, jnp.nan])
def test_one_entry_that_is_not_finite_is_found_wherever_it_is(bad):
    def found(loss=1.0, entry=2.0, best=3.4e38):
        kernel = jnp.full((3, 2), -best).at[1, 1].set(entry)
        params = {"g": {"w": kernel, "none": jnp.zeros((0, 2))}, "d": {"steps": jnp.array(3)}}
        info = {"loss/g": jnp.array(loss), "grad_norm/g": jnp.array(jnp.nan)}
        return not jax.jit(_finite)(info, TrainState(params, {}, {}))

    assert not found()  # what is largest in single precision is finite, and so is an empty array
    assert found(loss=bad) and found(entry=bad)


def test_divergence_reaches_the_tables(monkeypatch, tmp_path):
    monkeypatch.setitem(registry.METHODS, "poisoned", Entry(poisoned, "modifier"))
    columns = {"hyperparameters": {"poisoned": {"nan_at": [100.0, float("inf")]}}}
    made = sweep.run(suite({"poisoned": columns}, steps=200), tmp_path / "out")
    rows = made.runs[made.runs["method"] == "poisoned"]
    assert rows["status"].tolist()[:2] == ["diverged"] * 2
    assert rows["onset"].tolist()[:2] == [100] * 2
    assert rows["fid"].iloc[:2].isna().all() and rows["fid"].iloc[2:].notna().all()
    board = made.leaderboard[made.leaderboard["method"] == "poisoned"]
    assert sorted(board["n_diverged"]) == [0, 2]
    assert sorted(board["modes_n"]) == [0, 2]
    again = ganbench.load(tmp_path / "out")
    pd.testing.assert_frame_equal(again.runs, made.runs, check_dtype=False)
