"""Two leaderboards held against each other: verdicts, refusals, exit codes."""

import functools
import json
import math

import numpy as np
import pandas as pd
import pytest
from boards import board, runs
from commands import typed
from scipy import stats

from ganbench.compare import VERDICTS, compare
from ganbench.errors import BadInput
from ganbench.intervals import interval
from ganbench.metrics.catalogue import METRICS
from ganbench.sides import Side, side
from ganbench.statistics import clopper_pearson, difference

RATES = np.linspace(0.0, 1.0, 11)


def of(*parts, protocols=None, paired=False, where="x"):
    """A side of hand-made runs; without its runs nothing is paired."""
    made = pd.concat(parts, ignore_index=True)
    return Side(where, board(*parts), made if paired else None, protocols or {})


def verdicts(a, b, **how):
    rows = compare(a, b, **how).rows
    return dict(zip(rows["method"], rows["verdict"], strict=True))


@functools.cache
def plain(tasks, methods, n):
    """The runs of so many methods and their leaderboard, with nothing told yet."""
    made = [runs(f"m{i:02}", 0, n, task) for task in tasks for i in range(methods)]
    return pd.concat(made, ignore_index=True), board(*made)


def drawn(rng, rates, n, seed=0, tasks=("ring",)):
    """A side on which each task has a method for each rate, whose runs succeed independently."""
    made, known = plain(tasks, len(rates), n)
    success = rng.random((len(tasks), len(rates), n)) < np.asarray(rates)[None, :, None]
    successes = success.sum(-1).ravel()
    low, high = np.transpose([clopper_pearson(k, n) for k in successes])
    told = {"successes": successes, "success_rate": successes / n}
    told |= {"success_low": low, "success_high": high}
    return Side("x", known.assign(**told), made.assign(success=success.ravel(), seed=seed), {})


def test_every_verdict_there_is():
    a = of(
        *(runs("worse", 16, 16), runs("better", 0, 16), runs("alike", 8, 16)),
        *(runs("few", 2, 2), runs("old", 1, 4)),
    )
    b = of(
        *(runs("worse", 1, 16), runs("better", 15, 16), runs("alike", 5, 16)),
        *(runs("few", 0, 2), runs("young", 1, 4)),
    )
    found = verdicts(a, b)
    assert found == {
        "worse": "regressed",
        "better": "improved",
        "alike": "inconclusive",
        "few": "underpowered",
        "old": "gone",
        "young": "new",
    }
    assert set(found.values()) == set(VERDICTS)


def test_p_is_fishers_and_holms():
    """10 of 10 against 4 of 10, and 7 against 4: p = 0.0108 and 0.370; the first counts twice."""
    rows = compare(of(runs("a", 10, 10), runs("b", 7, 10)), of(runs("a", 4, 10), runs("b", 4, 10)))
    found = rows.rows.set_index("method")
    np.testing.assert_allclose(found.loc[["a", "b"], "p"], [0.010836, 0.369856], rtol=1e-4)
    np.testing.assert_allclose(found.loc[["a", "b"], "p_holm"], [0.021672, 0.369856], rtol=1e-4)
    assert (found["verdict"] == ["regressed", "inconclusive"]).all()


def test_other_tasks_adjust_nothing():
    """Alone in its task p = 0.0108 is significant, among ten of another it would not be."""
    many = [runs(f"m{i}", 5, 10, "grid") for i in range(10)]
    found = verdicts(of(runs("a", 10, 10), *many), of(runs("a", 4, 10), *many))
    assert found["a"] == "regressed"
    same = [runs(f"m{i}", 5, 10) for i in range(10)]
    assert verdicts(of(runs("a", 10, 10), *same), of(runs("a", 4, 10), *same))["a"] != "regressed"


def test_reference_rows_are_no_rows():
    """A judge's own rows are neither tested nor counted."""
    ours = [runs("a", 9, 10), runs("real", 10, 10), runs("noise", 0, 10)]
    rows = compare(of(*ours), of(*ours)).rows
    assert list(rows["method"]) == ["a"]


def test_runs_of_the_same_seeds_are_pairs():
    """Ten of sixteen pairs fall and none rises: McNemar's p is 2 / 2^10, whatever the others."""
    before, after = runs("a", 14, 16), runs("a", 4, 16)
    (row,) = compare(of(before, paired=True), of(after, paired=True)).rows.to_dict("records")
    assert row["test"] == "paired" and row["p"] == pytest.approx(2 / 2**10)
    turned = after.iloc[::-1]  # the order of the rows pairs nothing
    (row,) = compare(of(before, paired=True), of(turned, paired=True)).rows.to_dict("records")
    assert row["p"] == pytest.approx(2 / 2**10)


@pytest.mark.parametrize("other", [{"seed": 1}, {"replicate": np.arange(16) + 1}])
def test_runs_of_other_seeds_are_not(other):
    a, b = of(runs("a", 14, 16), paired=True), of(runs("a", 4, 16, **other), paired=True)
    (row,) = compare(a, b).rows.to_dict("records")
    fisher = stats.fisher_exact([[14, 2], [4, 12]]).pvalue
    assert row["test"] == "unpaired" and row["p"] == pytest.approx(fisher)


def test_more_seeds_than_the_other_are_not_dropped():
    a, b = of(runs("a", 14, 16), paired=True), of(runs("a", 14, 32), paired=True)
    (row,) = compare(a, b).rows.to_dict("records")
    assert (row["test"], row["n_a"], row["n_b"]) == ("unpaired", 16, 32)


def test_underpowered_says_the_n_that_is_needed():
    """Of 24 tests one needs 2 / C(2 n, n) <= 0.05 / 24: n = 7; in pairs 2^(1 - n): n = 10."""
    rows = [runs(f"m{i}", 0, 4) for i in range(24)]
    found = compare(of(*rows), of(*rows)).rows
    assert set(found["verdict"]) == {"underpowered"} and set(found["n_needed"]) == {7}
    found = compare(of(*rows, paired=True), of(*rows, paired=True)).rows
    assert set(found["verdict"]) == {"underpowered"} and set(found["n_needed"]) == {10}


@pytest.mark.parametrize("paired", [False, True])
def test_what_is_underpowered_could_never_have_been_significant(paired):
    """At the n that is said to be needed the clearest result is, with one less it is not."""
    least = compare(of(runs("a", 0, 2), paired=paired), of(runs("a", 2, 2), paired=paired))
    n = int(least.rows["n_needed"].iloc[0])
    for size, expected in ((n, "improved"), (n - 1, "underpowered")):
        a, b = of(runs("a", 0, size), paired=paired), of(runs("a", size, size), paired=paired)
        assert verdicts(a, b) == {"a": expected}


def test_differences_have_the_intervals_that_both_sides_give():
    rng = np.random.default_rng(0)
    columns = [{name: rng.normal(i, 1.0, 16) for name in METRICS} for i in range(2)]
    a, b = (of(runs("a", 12 - 4 * i, 16, **own)) for i, own in enumerate(columns))
    (row,) = compare(a, b).rows.to_dict("records")
    ends = [(k / 16, *clopper_pearson(k, 16)) for k in (12, 8)]
    assert row["success_difference"] == pytest.approx(-0.25)
    assert (row["success_low"], row["success_high"]) == pytest.approx(difference(*ends)[1:])
    means = [interval("modes", own["modes"], "ring")[:3] for own in columns]
    assert row["modes_difference"] == pytest.approx(means[1][0] - means[0][0])
    assert (row["modes_low"], row["modes_high"]) == pytest.approx(difference(*means)[1:])


def test_intervals_of_differences_hold():
    """Of two rates at n = 8 and 16, at least 95 of 100 hold what they are of."""
    rng = np.random.default_rng(1)
    held = []
    for _ in range(4000):
        (p, q), (n, m) = rng.random(2), rng.choice([8, 16], 2)
        (i, j) = rng.binomial(n, p), rng.binomial(m, q)
        a, b = (i / n, *clopper_pearson(i, n)), (j / m, *clopper_pearson(j, m))
        _, low, high = difference(a, b)
        held.append(low <= q - p <= high)
    assert np.mean(held) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("same_seeds", [False, True])
def test_two_runs_that_differ_in_nothing_but_chance_seldom_differ(same_seeds):
    """200 pairs of leaderboards, three tasks of 11 methods: at most one in twenty has a verdict."""
    rng = np.random.default_rng(2)
    tasks = ("ring", "grid", "stacked-digits")
    called = 0
    for pair in range(200):
        n = (8, 16, 32)[pair % 3]
        a, b = (drawn(rng, RATES, n, seed, tasks) for seed in (0, 0 if same_seeds else 1))
        found = compare(a, b).rows
        assert set(found["test"]) == {"paired" if same_seeds else "unpaired"}
        called += found["verdict"].isin(["improved", "regressed"]).any()
    assert called <= 10


@pytest.mark.slow
@pytest.mark.parametrize("before, after, least", [(1.0, 0.5, 0.95), (0.75, 0.25, 0.8)])
@pytest.mark.parametrize("same_seeds", [False, True])
def test_a_planted_drop_is_called(before, after, least, same_seeds):
    """Of one of 11 methods at n = 32, in 400 pairs of leaderboards."""
    rng = np.random.default_rng(3)
    called = 0
    for _ in range(400):
        a = drawn(rng, [before, *[0.5] * 10], 32)
        b = drawn(rng, [after, *[0.5] * 10], 32, seed=0 if same_seeds else 1)
        called += verdicts(a, b)["m00"] == "regressed"
    assert called >= least * 400


PROTOCOL = {
    "version": 2,
    "data": "d",
    "judge": "j",
    "metrics": {"version": 1, "names": ["modes"]},
    "outcome": {"success_coverage": 0.9},
    "budget": {"steps": 5000},
}


def with_protocol(*parts, task="ring", **changed):
    made = of(*parts, protocols={task: PROTOCOL | changed})
    told = {"protocol_hash": str(changed)} | (
        {"judge_hash": changed["judge"]} if "judge" in changed else {}
    )
    return made._replace(board=made.board.assign(**told))


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
    assert (row["test"], row["verdict"]) == ("paired", "regressed")
    assert row["p"] == pytest.approx(2 / 2**8)
    (row,) = compare(boxed([4] * 8), boxed([0] * 8, seed=1)).rows.to_dict("records")
    assert row["test"] == "unpaired" and row["p"] == pytest.approx(2 / math.comb(16, 8))


def test_a_box_needs_its_runs():
    a = boxed([4] * 8)
    with pytest.raises(BadInput, match="runs.csv"):
        compare(a, a._replace(runs=None))


def test_two_methods_of_one_leaderboard(written, monkeypatch, capsys):
    """Their runs are pairs: the same replicates see the same data."""
    both = written(
        "both", runs("r1", 16, 16, hyperparameters='{"r1.gamma":1.0}'), runs("mine", 2, 16)
    )
    assert typed(monkeypatch, "compare", both, both, "--methods", "r1,mine", "--json") == 1
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["method"], row["test"]) == ("r1 to mine", "paired")
    assert row["success_difference"] == -0.875 and row["verdict"] == "regressed"
    assert typed(monkeypatch, "compare", both, both, "--methods", "mine,r1") == 0
    capsys.readouterr()
    for methods, told in (("r1", "must be two names"), ("r1,no", "'no' has no row in")):
        assert typed(monkeypatch, "compare", both, both, "--methods", methods) == 2
        assert told in capsys.readouterr().err


def test_a_method_of_two_settings_is_no_one_row(written, monkeypatch, capsys):
    texts = ['{"learning_rate":0.1,"r1.gamma":1.0}', '{"learning_rate":0.1,"r1.gamma":2.0}']
    both = written("both", *(runs("r1", 4, 4, hyperparameters=x) for x in texts))
    assert typed(monkeypatch, "compare", both, both, "--methods", "r1,r1") == 2
    assert "more than one row on ring" in capsys.readouterr().err


@pytest.fixture
def written(tmp_path):
    """Writes a folder of hand-made results; gives its path."""

    def write(name, *parts):
        folder = tmp_path / name
        folder.mkdir()
        pd.concat(parts).assign(coverage=1.0).to_csv(folder / "runs.csv", index=False)
        board(*parts).to_csv(folder / "leaderboard.csv", index=False)
        return folder

    return write


def test_exit_codes(written, monkeypatch, capsys):
    """0 where nothing regressed, 1 where something did, 2 where nothing can be said."""
    good, bad = written("good", runs("a", 16, 16)), written("bad", runs("a", 2, 16))
    other = written("other", runs("a", 16, 16, judge_hash="k"))
    assert typed(monkeypatch, "compare", good, good) == 0
    assert typed(monkeypatch, "compare", bad, good) == 0
    assert "improved" in capsys.readouterr().out
    assert typed(monkeypatch, "compare", good, bad) == 1
    out = capsys.readouterr().out
    assert "regressed" in out and "1.00 to 0.12" in out
    assert typed(monkeypatch, "compare", good, other) == 2
    out, err = capsys.readouterr()
    assert not out and len(err.splitlines()) == 1 and "judge_hash (j in A, k in B)" in err
    assert typed(monkeypatch, "compare", good, other, "--force") == 2
    assert typed(monkeypatch, "compare", good, good / "nothing") == 2
    assert typed(monkeypatch, "compare", good, bad, "--alpha", "1e-9") == 0
    capsys.readouterr()
    for alpha in ("0", "1", "nan", "-1"):
        assert typed(monkeypatch, "compare", good, bad, "--alpha", alpha) == 2
        assert "--alpha" in capsys.readouterr().err


def test_files_compare_as_folders_do_but_for_pairs(written, monkeypatch, capsys):
    folders = [written("a", runs("a", 16, 16)), written("b", runs("a", 2, 16))]
    made = {}
    for name in ("", "leaderboard.csv"):
        assert typed(monkeypatch, "compare", *(f / name for f in folders), "--json") == 1
        made[name] = json.loads(capsys.readouterr().out)
    (of_folder,), (of_file,) = (one["rows"] for one in made.values())
    assert (of_folder["test"], of_file["test"]) == ("paired", "unpaired")
    same = {"success_difference": -0.875, "verdict": "regressed", "n_a": 16, "n_needed": None}
    assert same.items() <= of_folder.items() and same.items() <= of_file.items()
    assert made[""]["regressed"] is True and made[""]["alpha"] == 0.05


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda frame: pd.concat([frame, frame]), "is there twice"),
        (lambda frame: frame.assign(n=0), "of 0 runs"),
        (lambda frame: frame.assign(successes=17), "17 successes of 16 runs"),
        (lambda frame: frame.assign(n="many"), "whole numbers"),
        (lambda frame: frame.drop(columns="successes"), "no column successes"),
        (lambda frame: frame.assign(success_low="x"), "success_low"),
    ],
)
def test_a_broken_leaderboard_is_one_line(written, change, told):
    path = written("a", runs("a", 16, 16)) / "leaderboard.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(BadInput, match=told) as error:
        side(path)
    assert len(str(error.value).splitlines()) == 1


def test_shown_lists_what_only_one_has(written, monkeypatch, capsys):
    a = written("a", runs("a", 16, 16), runs("old", 3, 16))
    b = written("b", runs("a", 15, 16), runs("young", 3, 16))
    assert typed(monkeypatch, "compare", a, b) == 0
    out = capsys.readouterr().out
    assert "new: young" in out and "gone: old" in out
    assert "1 inconclusive, 1 new, 1 gone" in out
    assert "1 of pairs of runs (McNemar)" in out
