"""What to expect of untuned methods, from runs whose answer is known."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from ganbench import shown
from ganbench.errors import BadInput
from ganbench.robustness import THRESHOLDS, expected_best, profile, robustness
from ganbench.statistics import clopper_pearson


def runs(method, coverage, seeds=1, task="digits"):
    """Runs of one method: `coverage` by point and seed; None diverged."""
    return pd.DataFrame(
        [
            {
                "task": task,
                "method": method,
                "hyperparameters": json.dumps({"width": i // seeds}),
                "status": "diverged" if value is None else "ok",
                "success": value is not None and value >= 0.9,
                "coverage": np.nan if value is None else value,
            }
            for i, value in enumerate(coverage)
        ]
    )


@pytest.mark.parametrize("trials", [1, 2, 3, 5])
def test_the_expected_best_is_the_mean_over_all_choices(trials):
    values = np.random.default_rng(0).random(5)
    choices = [max(chosen) for chosen in itertools.combinations(values, trials)]
    assert expected_best(values, trials) == pytest.approx(np.mean(choices))


def test_expected_best_of_many_does_not_overflow():
    assert expected_best(np.arange(2000.0), 1000) == pytest.approx(1998.0, abs=0.01)


def test_shares_count_every_run_and_the_dead_cover_nothing():
    table = runs("gap", [1.0, 0.95, 0.5, None, 0.0, 0.2, 0.9, None])
    (row,) = robustness(table, ["digits"], ["real"]).to_dict("records")
    assert row["n"] == row["points"] == 8
    assert row["success_rate"] == 3 / 8
    assert (row["success_low"], row["success_high"]) == clopper_pearson(3, 8)
    assert row["best_of_1"] == pytest.approx((1.0 + 0.95 + 0.5 + 0.2 + 0.9) / 8)
    assert row["best_of_8"] == 1.0
    assert np.isnan(row["best_of_16"])
    assert row["best_of_2_low"] < row["best_of_2"] < row["best_of_2_high"]


def test_seeds_of_one_point_are_no_points_of_their_own():
    """Eight seeds of each of eight points, all alike: as wide an interval as of eight runs."""
    each = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    one = robustness(runs("gap", each), ["digits"], []).iloc[0]
    many = robustness(runs("gap", np.repeat(each, 8).tolist(), 8), ["digits"], []).iloc[0]
    assert many["points"] == 8 and many["n"] == 64
    assert many["success_rate"] == one["success_rate"] == 0.5
    assert many["success_high"] - many["success_low"] > 0.5


def test_a_profile_falls_from_one():
    made = profile(runs("gap", [1.0, 0.5, 0.5, None]), ["digits"], [])
    assert made["threshold"].tolist() == list(THRESHOLDS)
    share = dict(zip(made["threshold"], made["share"], strict=True))
    assert (share[0.0], share[0.05], share[0.5], share[0.55], share[1.0]) == (
        1,
        0.75,
        0.75,
        0.25,
        0.25,
    )
    assert (made["low"] <= made["share"]).all() and (made["share"] <= made["high"]).all()


def test_only_tasks_with_a_box_count_and_no_reference_rows():
    both = pd.concat(
        [runs("gap", [1.0, 0.0]), runs("real", [1.0]), runs("gap", [1.0], task="ring")]
    )
    made = robustness(both, ["digits"], ["real"])
    assert made[["task", "method", "n"]].values.tolist() == [["digits", "gap", 2]]
    with pytest.raises(BadInput, match="no task of these results has a box"):
        robustness(both, [], ["real"])


def test_the_table_shows_what_was_tried():
    rows = robustness(runs("gap", [1.0, 0.0, 0.4]), ["digits"], [])
    table, _ = shown.robustness(rows)
    heads = [column.header for column in table.columns]
    assert heads == ["method", "success [95 %]", "n", "points", "best of 1", "best of 2"]
    cells = [next(iter(column.cells)) for column in table.columns]
    assert cells[:4] == ["gap", "0.33 [0.01, 0.91]", "3", "3"]
    assert cells[5].startswith("0.80 [")
