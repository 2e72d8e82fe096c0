"""Two leaderboards held against each other: verdicts and intervals."""

import functools

import numpy as np
import pandas as pd
import pytest
from boards import board, of, runs, verdicts
from scipy import stats

from ganbench.compare import VERDICTS, compare
from ganbench.intervals import interval
from ganbench.metrics.catalogue import METRICS
from ganbench.sides import Side
from ganbench.statistics import clopper_pearson, difference

RATES = np.linspace(0.0, 1.0, 11)


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


def test_a_difference_by_hand():
    """0.5 [0.2, 0.6] to 0.7 [0.4, 0.75]: sqrt(0.3^2 + 0.1^2) below, sqrt(0.05^2 + 0.3^2) above."""
    found = difference((0.5, 0.2, 0.6), (0.7, 0.4, 0.75))
    assert found == pytest.approx((0.2, 0.2 - np.sqrt(0.1), 0.2 + np.sqrt(0.0925)))


def test_a_row_whose_runs_are_not_all_there_is_no_pair():
    a, b = (of(runs("a", k, 16), paired=True) for k in (16, 2))
    (row,) = compare(a._replace(runs=a.runs[:8]), b).rows.to_dict("records")
    assert row["test"] == "unpaired" and row["n_a"] == 16


def test_at_exactly_the_level_is_significant():
    """Three of three against none: p = 2 / C(6, 3) = 0.1."""
    found = verdicts(of(runs("a", 0, 3)), of(runs("a", 3, 3)), alpha=0.1)
    assert found == {"a": "improved"}


def test_what_is_possible_is_judged_by_holm_too():
    """Two rows, least p 0.029 and 0.0001: alone neither; the first counts once when the other is
    told, so it is possible at 0.05, which twice 0.029 is not."""
    a, b = (of(runs("few", k, 4), runs("many", 2 * k, 8)) for k in (0, 4))
    assert verdicts(a, b) == {"few": "improved", "many": "improved"}
    same = of(runs("few", 2, 4), runs("many", 8, 8))
    assert verdicts(same, of(runs("few", 2, 4), runs("many", 0, 8)))["few"] == "inconclusive"


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
