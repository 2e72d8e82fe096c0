"""What of two leaderboards may be compared: protocols, files without them, boxes."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from boards import PROTOCOL, of, runs, verdicts, with_protocol

from ganbench.compare import compare
from ganbench.errors import BadInput


@pytest.mark.parametrize(
    "changed, key",
    [
        ({"budget": {"steps": 9000}}, r"budget.steps \(5000 in A, 9000 in B\)"),
        ({"judge": "k"}, r"judge \(j in A, k in B\)"),
        ({"metrics": {"version": 2, "names": ["modes"]}}, r"metrics.version \(1 in A, 2 in B\)"),
        (
            {"outcome": {"success_coverage": 0.5}},
            r"outcome.success_coverage \(0.9 in A, 0.5 in B\)",
        ),
        ({"box": {"points": 4}}, r"box \(none in A, {'points': 4} in B\)"),
    ],
)
def test_other_protocols_are_refused_naming_the_first_key(changed, key):
    a, b = with_protocol(runs("a", 8, 8)), with_protocol(runs("a", 2, 8), **changed)
    with pytest.raises(BadInput, match=f"^A .* and B .* task ring: {key}; --force"):
        compare(a, b)


@pytest.mark.parametrize(
    "column, x, y",
    [("protocol_hash", "p", "q"), ("judge_hash", "j", "k"), ("samples", 2500, 25000)],
)
def test_files_without_protocols_are_refused_by_what_they_hold(column, x, y):
    a, b = of(runs("a", 8, 8)), of(runs("a", 8, 8, **{column: y}))
    with pytest.raises(BadInput, match=rf"{column} \({x} in A, {y} in B\)"):
        compare(a, b)


def test_runs_that_failed_do_not_make_sample_sizes_differ():
    """They have none, and a board with them has its others'."""
    failed = runs("b", 0, 4, samples=0, status="failed")
    assert verdicts(of(runs("a", 4, 4), failed), of(runs("a", 4, 4), runs("b", 0, 4)))


def test_force_compares_what_means_the_same():
    """Other steps: all. Other rules of success: scores. Another judge: nothing of the task."""
    a = with_protocol(runs("a", 16, 16))
    steps = compare(a, with_protocol(runs("a", 0, 16), budget={"steps": 1}), force=True)
    assert list(steps.rows["verdict"]) == ["regressed"]
    assert steps.notes == (
        "task ring: all compared, because of budget.steps (5000 in A, 1 in B); "
        "protocol_hash ({} in A, {'budget': {'steps': 1}} in B)",
    )
    rules = compare(a, with_protocol(runs("a", 0, 16), outcome={}), force=True)
    (row,) = rules.rows.to_dict("records")
    assert pd.isna(row["verdict"]) and np.isnan(row["success_difference"])
    assert row["modes_difference"] == 0 and (row["success_a"], row["success_b"]) == (1, 0)
    with pytest.raises(BadInput, match="nothing compared, because of judge"):
        compare(a, with_protocol(runs("a", 0, 16), judge="k"), force=True)


def test_force_leaves_out_a_task_of_another_judge_and_keeps_the_others():
    rows = [runs("a", 16, 16), runs("a", 16, 16, "grid")]
    other = [runs("a", 0, 16, judge_hash="k"), runs("a", 0, 16, "grid")]
    made = compare(of(*rows), of(*other), force=True)
    assert made.rows["verdict"].isna().tolist() == [True, False] and made.regressed()
    assert np.isnan(made.rows["modes_difference"].iloc[0])


def test_nothing_in_common_is_refused():
    with pytest.raises(BadInput, match="no task in common"):
        compare(of(runs("a", 1, 4)), of(runs("a", 1, 4, "grid")))
    with pytest.raises(BadInput, match="no row in common"):
        compare(of(runs("a", 1, 4)), of(runs("b", 1, 4)))


def boxed(successes, seed=0, shapes=8):
    """A box of `shapes` nets with four points of one run each, of which so many succeed."""
    made = []
    for i, k in enumerate(successes):
        text = [
            json.dumps({"learning_rate": 0.1 + j, "r1.gamma": 1.0, "width": i + 1})
            for j in range(4)
        ]
        own = {"hyperparameters": text, "replicate": np.arange(4) + 4 * i, "coverage": 1.0}
        made.append(runs("r1", k, 4, seed=seed, **own))
    protocols = {"ring": PROTOCOL | {"box": {"points": 4 * shapes}}}
    return of(*made, protocols=protocols, paired=True)


def test_a_box_is_a_row_a_method_and_counts_its_shapes():
    """All 32 runs of eight shapes fail: p is that of eight flips, 2 / 2^8, not of 32 runs."""
    (row,) = compare(boxed([4] * 8), boxed([0] * 8)).rows.to_dict("records")
    assert row["hyperparameters"] == '{"r1.gamma":1.0}' and row["n_a"] == 32
    assert (row["test"], row["verdict"]) == ("paired by shape", "regressed")
    assert row["p"] == pytest.approx(2 / 2**8)
    (row,) = compare(boxed([4] * 8), boxed([0] * 8, seed=1)).rows.to_dict("records")
    assert row["test"] == "unpaired by shape" and row["p"] == pytest.approx(2 / math.comb(16, 8))


def test_shapes_are_compared_by_their_shares_not_their_counts():
    """Two of four runs of each shape stopped by the program, the others `ok` as in A."""
    b = boxed([2] * 8)
    kept = b.runs.assign(status=np.where(b.runs["success"], "ok", "failed"))
    (row,) = compare(boxed([4] * 8), b._replace(runs=kept)).rows.to_dict("records")
    assert (row["success_a"], row["success_b"], row["p"]) == (1, 1, 1)
    assert row["test"] == "unpaired by shape" and row["verdict"] != "regressed"


def test_points_are_apart_where_all_have_one_shape():
    """32 points of rates alone, all `ok` against none."""

    def rates(k):
        texts = [json.dumps({"learning_rate": 0.1 + i, "width": 8}) for i in range(32)]
        own = {"hyperparameters": texts, "replicate": np.arange(32), "coverage": 1.0}
        protocols = {"ring": PROTOCOL | {"box": {"points": 32}}}
        return of(runs("a", k, 32, **own), protocols=protocols, paired=True)

    (row,) = compare(rates(32), rates(0)).rows.to_dict("records")
    assert row["verdict"] == "regressed" and row["p"] == pytest.approx(2.0**-31)


def test_force_has_no_verdict_on_another_box():
    other = boxed([0] * 8)
    other = other._replace(protocols={"ring": PROTOCOL | {"box": {"points": 64}}})
    (row,) = compare(boxed([4] * 8), other, force=True).rows.to_dict("records")
    assert pd.isna(row["verdict"]) and np.isnan(row["success_difference"])


@pytest.mark.parametrize("changed", [{"baseline": {"lanes": 1}}, {"outcome": {}}])
def test_force_has_no_verdict_on_other_rules(changed):
    made = compare(
        with_protocol(runs("a", 8, 8)), with_protocol(runs("a", 0, 8), **changed), force=True
    )
    assert made.rows["verdict"].isna().all() and (made.rows["modes_difference"] == 0).all()


def test_a_box_needs_its_runs():
    a = boxed([4] * 8)
    with pytest.raises(BadInput, match="runs.csv"):
        compare(a, a._replace(runs=None))
