"""The leaderboard on hand-made runs."""

import io
import sys
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from boards import board, runs
from scipy import stats

from ganbench.cli import main
from ganbench.errors import BadInput
from ganbench.intervals import kind, shipped
from ganbench.leaderboard import COLUMNS, caution, columns, leaderboard
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.power import seeds_needed
from ganbench.statistics import bootstrap_interval, clopper_pearson, t_interval

NAN, INF = float("nan"), float("inf")


def column(frame, name):
    return frame.set_index("method")[name].to_dict()


def test_ranks_with_ties():
    """Equal rates share a rank and stand by median steps to 90 %, then by name."""
    frame = board(
        runs("slow", 3, 4, steps_to_90=[300.0, 300, 300, INF]),
        runs("worst", 1, 4),
        runs("zeta", 3, 4),
        runs("best", 8, 8),
        runs("alpha", 6, 8),
    )
    assert list(frame["method"]) == ["best", "alpha", "zeta", "slow", "worst"]
    assert list(frame["rank"]) == [1, 2, 2, 2, 5]
    assert list(frame["rank_low"]) == [1] * 5
    assert list(frame["rank_high"]) == [5] * 5


def test_rank_bounds_are_fisher_tests_with_holm():
    """10, 7, 4 and 0 successes of 10, checked pair by pair."""
    results = {"a": 10, "b": 7, "c": 4, "d": 0}
    frame = board(*(runs(name, k, 10) for name, k in results.items()))
    tables = {
        (i, j): [[results[i], 10 - results[i]], [results[j], 10 - results[j]]]
        for i, j in combinations(results, 2)
    }
    p = {pair: stats.fisher_exact(table).pvalue for pair, table in tables.items()}
    # ordered, these are 1.08e-5, 3.10e-3, 1.08e-2, 8.67e-2, 0.211 and 0.370; times 6, 5, 4, 3
    np.testing.assert_allclose(
        sorted(p.values())[:4], [1.0825e-5, 3.0960e-3, 1.0836e-2, 8.6687e-2], rtol=1e-3
    )
    order = sorted(p, key=lambda pair: p[pair])
    assert order[:3] == [("a", "d"), ("b", "d"), ("a", "c")]
    # 4 x 0.0108 = 0.0433 is significant, 3 x 0.0867 is not
    assert column(frame, "rank_low") == {"a": 1, "b": 1, "c": 2, "d": 3}
    assert column(frame, "rank_high") == {"a": 2, "b": 3, "c": 4, "d": 4}


def test_tests_stay_within_a_task():
    """Alone, a and c differ (p = 0.0108); among the pairs of another task nothing changes."""
    other = [runs(name, 5, 10, task="grid") for name in "uvwxyz"]
    frame = board(runs("a", 10, 10), runs("c", 4, 10), *other).query("task == 'ring'")
    assert column(frame, "rank_high") == {"a": 1, "c": 2}


def test_reference_rows_head_their_task_unranked_and_untested():
    methods = [runs("a", 10, 10), runs("c", 5, 10)]
    frame = board(
        *methods, runs("noise", 0, 10), runs("a", 1, 2, task="grid"), runs("real", 10, 10)
    )
    assert list(zip(frame["task"], frame["method"], strict=True)) == [
        ("ring", "real"),
        ("ring", "noise"),
        ("ring", "a"),
        ("ring", "c"),
        ("grid", "a"),
    ]
    assert frame["rank"].isna().tolist() == [True, True, False, False, False]
    # p = 0.0325 for a and c: significant alone, not among the pairs of four rows
    ring = frame[frame["task"] == "ring"].set_index("method")
    assert (ring["rank_low"]["c"], ring["rank_high"]["a"]) == (2, 1)
    renamed = board(*methods, reference=("c",))
    assert list(renamed["method"]) == ["c", "a"]
    assert list(renamed["rank"].isna()) == [True, False]


def test_no_run_is_dropped_and_no_failed_run_is_averaged():
    frame = board(
        runs(
            "a",
            2,
            6,
            status=["ok", "ok", "failed", "diverged", "collapsed", "unlearned"],
            fid=[1.0, 2.0, 1e9, INF, 6.0, NAN],
            am_score=[1.0, 1.0, 1.0, 1.0, INF, 1.0],
            steps_to_90=[100.0, 200.0, NAN, INF, 300.0, INF],
        )
    )
    row = frame.iloc[0]
    assert (row["n"], row["successes"]) == (6, 2)
    np.testing.assert_allclose(row["success_rate"], 1 / 3)
    np.testing.assert_allclose([row["success_low"], row["success_high"]], clopper_pearson(2, 6))
    counts = {name: row[f"n_{name}"] for name in ("ok", "failed", "diverged", "collapsed")}
    assert counts == {"ok": 2, "failed": 1, "diverged": 1, "collapsed": 1}
    assert (row["n_unlearned"], row["n_saturated"], row["n_oscillating"]) == (1, 0, 0)
    assert (row["fid_mean"], row["fid_n"]) == (3, 3)
    assert np.isnan(row["fid_low"]) and np.isnan(row["fid_high"])
    assert (row["am_score_mean"], row["am_score_n"]) == (INF, 4)
    assert np.isnan(row["am_score_low"]) and np.isnan(row["modes_low"])  # inf; all equal
    assert row["steps_to_90_median"] == INF  # of 100, 200, 300 and three that never came


def test_every_run_failed():
    none = dict.fromkeys([*METRICS, "steps_to_90", "cost_compile_s", "cost_ms_per_step_lane"])
    row = board(runs("a", 0, 3, status="failed", **none)).iloc[0]
    assert (row["n"], row["n_failed"], row["fid_n"], row["rank"]) == (3, 3, 0, 1)
    assert np.isnan(row["fid_mean"]) and row["steps_to_90_median"] == INF
    assert np.isnan(row["cost_compile_s"]) and np.isnan(row["cost_ms_per_step_lane"])


def test_costs_and_labels():
    frame = board(
        runs(
            "a",
            1,
            3,
            cost_compile_s=[1.0, 5.0, 2.0],
            cost_trace_s=[1.0, NAN, 0.5],
            cost_ms_per_step_lane=[1.0, 9.0, 2.0],
        )
    )
    row = frame.iloc[0]
    assert (row["cost_compile_s"], row["cost_trace_s"]) == (5, 1)
    assert (row["cost_ms_per_step_lane"], row["cost_flops_per_step"]) == (2, 1e6)
    assert (row["schema"], row["protocol_hash"], row["judge_hash"]) == (1, "p", "j")


def test_hyperparameters_are_rows_of_their_own():
    frame = board(
        runs("r1", 1, 4, hyperparameters='{"r1.gamma":1}'),
        runs("r1", 3, 4, hyperparameters='{"r1.gamma":10}'),
        runs("r1", 2, 4, hyperparameters=None),
    )
    assert list(frame["successes"]) == [3, 2, 1]


def test_columns_and_csv():
    frame = board(runs("real", 3, 3), runs("a", 1, 3))
    assert list(frame.columns) == COLUMNS
    assert COLUMNS[:9] == [
        *("schema", "task", "method", "hyperparameters", "rank", "rank_low", "rank_high"),
        *("seeds_to_next", "n"),
    ]
    start = COLUMNS.index("modes_mean")
    assert COLUMNS[start - 1 : start + 5] == [
        *("n_ok", "modes_mean", "modes_low", "modes_high", "modes_n", "high_quality_mean")
    ]
    text = frame.to_csv(index=False)
    first = pd.read_csv(io.StringIO(text), dtype=str).iloc[1]
    names = ["schema", "rank", "rank_high", "n", "successes", "n_ok", "n_failed", "fid_n"]
    assert list(first[names]) == ["1", "1", "1", "3", "1", "1", "0", "3"]
    assert first["samples"] == "2500"


def test_scores_that_a_suite_asks_for_stand_after_the_others():
    """Where runs have their columns, whatever the order; and null in a task that has none."""
    asked = list(OPTIONAL)[:2]
    values = dict(zip(asked, ([1.0, 2.0, NAN, 6.0], [5.0] * 4), strict=True))
    frame = board(runs("a", 2, 4, **dict(reversed(values.items()))), runs("a", 1, 2, task="grid"))
    assert list(frame.columns) == columns([*METRICS, *asked])
    assert set(frame.columns) - set(COLUMNS) == {
        f"{name}_{part}" for name in asked for part in ("mean", "low", "high", "n")
    }
    ring, grid = frame.iloc[0], frame.iloc[1]
    assert [ring[f"{name}_mean"] for name in asked] == [3, 5]
    assert [ring[f"{name}_n"] for name in asked] == [3, 4]
    assert grid[f"{asked[0]}_n"] == 0 and np.isnan(grid[f"{asked[0]}_mean"])
    assert frame[f"{asked[0]}_n"].dtype == "Int64"


def test_a_scores_interval_is_of_the_kind_that_covers():
    """As `ganbench.intervals` says for the number of runs that have the score."""
    values = np.random.default_rng(0).exponential(size=20)
    values[:3] = NAN
    row = board(runs("a", 3, 20, **dict.fromkeys(METRICS, values))).iloc[0]
    kinds = {name: kind(name, 17, shipped("ring")) for name in METRICS}
    assert {"t", "bootstrap", None} == set(kinds.values())
    found = {None: (NAN, NAN), "t": t_interval(values)[1:3]}
    found["bootstrap"] = bootstrap_interval(values)[1:3]
    for name, own in kinds.items():
        np.testing.assert_equal((row[f"{name}_low"], row[f"{name}_high"]), found[own], name)


def test_seeds_to_next():
    """To the next lower rate of the task, whoever has it; none from the last, nor beyond 1,000."""
    close = [runs(name, k, 100, task="grid") for name, k in (("a", 51), ("b", 50))]
    frame = board(
        *(runs("x", 4, 4), runs("y", 2, 4), runs("z", 4, 8), runs("w", 0, 4), runs("real", 9, 9)),
        *close,
    )
    seeds = {m: s for m, s in column(frame, "seeds_to_next").items() if not pd.isna(s)}
    assert seeds == {"x": 12, "y": seeds_needed(0.5, 0.0), "z": seeds_needed(0.5, 0.0)}
    assert seeds_needed(1.0, 0.5) == 12
    assert frame["seeds_to_next"].dtype == "Int64"


def test_a_board_says_what_it_cannot_tell_apart():
    """20 of 20 and 0 of 20 are told apart, 10 of 20 from neither."""
    three = [runs("a", 20, 20), runs("b", 10, 20), runs("c", 9, 20), runs("d", 0, 20)]
    frame = board(*three, runs("real", 20, 20))
    assert caution(frame) == (
        "n = 20 tells apart 2 of 3 neighbouring ranks; "
        "0.50 from 0.45 takes over 1,000 seeds a row (80 % power, one test)"
    )
    assert caution(board(*three[::3])) is None  # both told apart
    assert caution(board(three[0])) is None  # nothing to tell
    assert caution(board(three[0], runs("b", 20, 20))) is None  # one rank
    frame = board(runs("a", 20, 20), runs("b", 14, 20), runs("c", 7, 10))
    assert caution(frame).startswith(
        "n = 10 to 20 tells apart 0 of 1 neighbouring ranks; 1.00 from 0.70 takes "
    )
    # b is told from a; c, of the same rank, is not, and too few are its runs, not the board's
    few = board(runs("a", 14, 20), runs("b", 0, 20), runs("c", 0, 2))
    assert caution(few).startswith("n = 2 to 20 tells apart 0 of 1 neighbouring ranks; ")


def test_a_board_says_when_no_result_could_have_told_apart():
    """3 of 3 and 0 of 3 have p = 0.1; 4 of 4 and 0 of 4 have 0.029, three times that with 3."""
    assert caution(board(runs("a", 3, 3), runs("b", 0, 3))) == (
        "n = 3 can tell no two of 2 rows apart (1 test takes n = 4); "
        "1.00 from 0.00 takes 4 seeds a row (80 % power, one test)"
    )
    assert caution(board(runs("a", 4, 4), runs("b", 0, 4))) is None
    three = board(runs("a", 4, 4), runs("b", 4, 4), runs("c", 4, 4))
    assert caution(three) == "n = 4 can tell no two of 3 rows apart (3 tests take n = 5)"


def test_an_older_board_is_read_and_cautioned(monkeypatch, capsys, tmp_path):
    """One of before `seeds_to_next`."""
    made = board(runs("a", 4, 4), runs("b", 2, 4), runs("c", 2, 4, task="grid"))
    made.drop(columns="seeds_to_next").to_csv(tmp_path / "leaderboard.csv", index=False)
    monkeypatch.setattr(sys, "argv", ["ganbench", "leaderboard", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        main()
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert end.value.code == 0
    said = "n = 4 tells apart 0 of 1 neighbouring ranks; 1.00 from 0.50 takes 12 seeds a row"
    assert lines[4:7] == [f"{said} (80 % power, one test)", "", "grid"]


def test_success_read_from_a_file_with_gaps():
    frame = board(runs("a", 2, 4, success=pd.Series([True, NAN, False, True], dtype=object)))
    assert frame["successes"].iloc[0] == 2


def test_no_runs():
    assert list(board(runs("a", 0, 0)).columns) == COLUMNS


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(BadInput, match="no column fid"):
        leaderboard(runs("a", 1, 2).drop(columns="fid"))
    with pytest.raises(BadInput, match="ring has more than one protocol_hash"):
        board(runs("a", 1, 2), runs("b", 1, 2, protocol_hash="q"))
    board(runs("a", 1, 2), runs("a", 1, 2, task="grid", protocol_hash="q"))
