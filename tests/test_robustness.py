"""What to expect of untuned methods, from runs whose answer is known."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from ganbench import shown
from ganbench.errors import BadInput
from ganbench.robustness import (
    THRESHOLDS,
    best_interval,
    expected_best,
    profile,
    robustness,
)
from ganbench.statistics import clopper_pearson, share_interval


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
    coverage = [1.0, 0.95, 0.5, None, 0.0, 0.2, 0.9, None]
    (row,) = robustness(runs("gap", coverage), ["digits"], ["real"]).to_dict("records")
    assert row["n"] == row["points"] == row["shapes"] == 8
    assert row["success_rate"] == 3 / 8
    assert 0 < row["success_low"] < 3 / 8 < row["success_high"] < 1
    assert row["best_of_1"] == pytest.approx((1.0 + 0.95 + 0.5 + 0.2 + 0.9) / 8)
    pairs = itertools.combinations([value or 0.0 for value in coverage], 2)
    assert row["best_of_2"] == pytest.approx(np.mean([max(pair) for pair in pairs]))
    assert row["best_of_2_low"] < row["best_of_2"] < row["best_of_2_high"]
    assert np.isnan(row["best_of_4"])  # of eight points hardly more than the best of all


def test_runs_that_were_stopped_are_no_evidence():
    table = runs("gap", [1.0, 1.0, None, None])
    table.loc[2:, "status"] = "failed"
    (row,) = robustness(table, ["digits"], []).to_dict("records")
    assert row["n"] == 2 and row["success_rate"] == 1.0


def test_no_success_at_all_is_no_certainty():
    (row,) = robustness(runs("gap", [0.0] * 32, 4), ["digits"], []).to_dict("records")
    assert row["shapes"] == 8
    assert (row["success_low"], row["success_high"]) == pytest.approx(clopper_pearson(0, 8))


def test_where_all_have_one_shape_points_are_evidence_and_their_seeds_are_not():
    table = runs("gap", np.repeat([1.0, 0.0, 1.0, 0.0], 3).tolist(), 3)
    points = [json.loads(text)["width"] for text in table["hyperparameters"]]
    table["hyperparameters"] = [json.dumps({"learning_rate": 0.1 * (i + 1)}) for i in points]
    (row,) = robustness(table, ["digits"], []).to_dict("records")
    assert (row["shapes"], row["points"], row["n"]) == (1, 4, 12)
    assert (row["success_low"], row["success_high"]) == pytest.approx(clopper_pearson(2, 4))
    shares = profile(table, ["digits"], []).set_index("threshold")
    assert shares.loc[0.5, "low"] == pytest.approx(row["success_low"])


def test_seeds_and_rates_of_one_shape_are_no_shapes_of_their_own():
    """Eight runs of each of eight shapes, all alike: as wide an interval as of eight runs."""
    each = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    one = robustness(runs("gap", each), ["digits"], []).iloc[0]
    seeds = robustness(runs("gap", np.repeat(each, 8).tolist(), 8), ["digits"], []).iloc[0]
    table = runs("gap", np.repeat(each, 8).tolist(), 8)
    table["hyperparameters"] = [
        json.dumps({**json.loads(text), "learning_rate": i / 100})
        for i, text in enumerate(table["hyperparameters"])
    ]
    rates = robustness(table, ["digits"], []).iloc[0]
    assert (seeds["points"], rates["points"]) == (8, 64)
    for many in (seeds, rates):
        assert many["shapes"] == 8 and many["n"] == 64
        assert many["success_low"] == one["success_low"]
        assert many["success_high"] == one["success_high"]


def test_the_interval_of_a_share_is_clopper_and_pearsons():
    ends = np.transpose(share_interval(np.arange(9) / 8, 8))
    np.testing.assert_allclose(ends, [clopper_pearson(k, 8) for k in range(9)], atol=1e-9)


def test_one_shape_is_hardly_evidence():
    low, high = best_interval(np.random.default_rng(0).random(64), 4, 1)
    assert low < 0.35 and high > 0.99


@pytest.mark.parametrize("trials", [1, 2, 4, 8, 16])
@pytest.mark.parametrize(("of_shape", "of_point"), [(1.5, 0.3), (0.3, 1.5), (0.0, 0.0)])
def test_the_expected_best_is_held_at_least_as_often_as_claimed(of_shape, of_point, trials):
    """Sixteen shapes of four points: what a shape does to all of its points, and each on its own;
    with neither, one point in ten covers anything."""
    rng = np.random.default_rng(1)

    def drawn(shapes, points):
        if not of_shape:
            return (rng.random((shapes, points)) < 0.1) * rng.random((shapes, points))
        own = of_shape * rng.normal(size=(shapes, 1)) + of_point * rng.normal(size=(shapes, points))
        return 1 / (1 + np.exp(-2 * own))

    true = expected_best(drawn(200_000, 1).ravel(), trials)
    held = []
    for _ in range(400):
        values = drawn(16, 4).ravel()
        low, high = best_interval(values, trials, 16)
        assert low <= expected_best(values, trials) <= high
        held.append(low <= true <= high)
    assert np.mean(held) >= 0.97


def test_values_of_a_methods_own_hyperparameter_are_rows_of_their_own():
    table = runs("r1", [1.0, 0.0] * 8)
    table["hyperparameters"] = [
        json.dumps({"width": i // 2, "r1.gamma": [0.1, 1.0][i % 2]}) for i in range(16)
    ]
    rows = robustness(table, ["digits"], [])
    assert rows["hyperparameters"].tolist() == ['{"r1.gamma":0.1}', '{"r1.gamma":1.0}']
    assert rows["success_rate"].tolist() == [1.0, 0.0] and rows["shapes"].tolist() == [8, 8]
    table, _ = shown.robustness(rows)
    assert list(table.columns[0].cells) == ["r1 (r1.gamma=0.1)", "r1 (r1.gamma=1.0)"]


def test_a_profile_falls_from_one():
    made = profile(runs("gap", [1.0, 0.5, 0.5, None]), ["digits"], [])
    assert made["threshold"].tolist() == list(THRESHOLDS)
    share = dict(zip(made["threshold"], made["share"], strict=True))
    seen = [share[at] for at in (0.0, 0.05, 0.5, 0.55, 1.0)]
    assert seen == [1, 0.75, 0.75, 0.25, 0.25]
    assert (made["low"] <= made["share"]).all() and (made["share"] <= made["high"]).all()


def test_only_tasks_with_a_box_count_and_no_reference_rows():
    both = pd.concat(
        [runs("gap", [1.0, 0.0]), runs("real", [1.0]), runs("gap", [1.0], task="ring")]
    )
    made = robustness(both, ["digits"], ["real"])
    assert made[["task", "method", "n"]].values.tolist() == [["digits", "gap", 2]]
    with pytest.raises(BadInput, match="no run in a box"):
        robustness(both, [], ["real"])


def test_the_table_shows_what_was_tried():
    rows = robustness(runs("gap", [1.0, 0.0, 0.4, 0.0] * 2), ["digits"], [])
    table, _ = shown.robustness(rows)
    heads = [column.header for column in table.columns]
    assert heads == ["method", "success [95 %]", "n", "shapes", "best of 1", "best of 2"]
    cells = [next(iter(column.cells)) for column in table.columns]
    assert cells[0] == "gap" and cells[1].startswith("0.25 [") and cells[2:4] == ["8", "8"]
    assert cells[4].startswith("0.35 [")
