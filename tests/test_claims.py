"""Verdicts on claims: what is reproduced, what is not, and what more runs would settle."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ganbench.claims import MARGIN, verdict
from ganbench.effect import rise, with_runs
from ganbench.schema import ClaimTable, RowTable
from ganbench.statistics import clopper_pearson


def test_delta_is_the_two_sample_statistic_of_mann_and_whitney():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, 12).astype(float), rng.integers(2, 11, 15).astype(float)
    u = stats.mannwhitneyu(y, x).statistic
    assert rise([x, y]).delta == pytest.approx(2 * u / (12 * 15) - 1)
    assert rise([y, x]).delta == -rise([x, y]).delta


def test_delta_of_zeros_and_ones_is_a_difference_of_rates():
    a, b = np.array([0.0] * 6 + [1.0] * 2), np.array([0.0] * 3 + [1.0] * 7)
    assert rise([a, b]).delta == pytest.approx(0.7 - 0.25)


def test_delta_of_many_rows_is_the_mean_over_pairs():
    rng = np.random.default_rng(1)
    rows = [rng.normal(i / 2, size=6 + i) for i in range(4)]
    pairs = [rise([rows[i], rows[j]]).delta for i in range(4) for j in range(i + 1, 4)]
    assert rise(rows).delta == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("n", [8, 16, 64])
@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_the_interval_holds_delta_as_often_as_it_says(n, shift):
    rng, true = np.random.default_rng(2), 2 * stats.norm.cdf(shift / np.sqrt(2)) - 1
    found = [rise([rng.normal(size=n), rng.normal(shift, size=n)]) for _ in range(1000)]
    assert np.mean([e.low <= true <= e.high for e in found]) == pytest.approx(0.95, abs=0.025)


def test_the_interval_over_three_rows_holds_delta_too():
    rng, shifts = np.random.default_rng(3), (0.0, 0.4, 0.8)
    pairs = [(0, 1), (0, 2), (1, 2)]
    true = np.mean([2 * stats.norm.cdf((shifts[b] - shifts[a]) / np.sqrt(2)) - 1 for a, b in pairs])
    found = [rise([rng.normal(s, size=12) for s in shifts]) for _ in range(1000)]
    assert np.mean([e.low <= true <= e.high for e in found]) == pytest.approx(0.95, abs=0.025)


def test_rows_that_lie_apart_or_are_equal_do_not_pretend_to_certainty():
    apart = rise([np.zeros(8), np.ones(8)])
    assert apart.delta == apart.high == 1 and 0.2 < apart.low < 0.5
    below = rise([np.ones(8), np.zeros(8)])
    assert below.delta == below.low == -1 and below.high == -apart.low
    equal = rise([np.ones(8), np.ones(8)])
    assert equal.delta == 0 and 0.2 < equal.high < 0.4 and equal.low == -equal.high
    # by the exact test eight against none of eight is significant, and three against none is not
    assert rise([np.zeros(3), np.ones(3)]).low < 0 < apart.low
    # rounding is no spread, and no end lies beyond what delta can be
    steps = rise([np.full(50, x) for x in (0.0, 1.0, 1.0, 1.0)])
    assert steps.delta == pytest.approx(0.5) and steps.high - steps.low > 0.02
    assert rise([np.full(2, x) for x in (0.0, 1.0, 1.0)]).high <= 1


def runs(**rows):
    """`runs.csv` of {method: values of modes}; None: it diverged, "failed": it was stopped."""
    made = [
        {
            "task": "ring",
            "method": method,
            "hyperparameters": json.dumps({"learning_rate": 0.1}),
            "status": {None: "diverged", "failed": "failed"}.get(value, "ok"),
            "success": value not in (None, "failed") and value >= 8,
            "modes": np.nan if value in (None, "failed") else value,
            "reverse_kl": np.nan if value in (None, "failed", 0) else 1 / value,
        }
        for method, values in rows.items()
        for value in values
    ]
    return pd.DataFrame(made)


def claim(*rows, **changed):
    tables = [RowTable(method=row) for row in rows]
    given = {"says": "more", "source": "us", "verified": True, "task": "ring", "metric": "modes"}
    return ClaimTable(**given | changed, rows=tables)


def said(claim, table, asked=None):
    return verdict(claim, table, table if asked is None else asked)


def test_an_order_is_reproduced_or_not_or_open():
    table = runs(
        gap=[1, 2, 3, 2, 1, 2, 3, 2], r1=[7, 8, 8, 7, 6, 8, 7, 8], r2=[2, 2, 3, 1, 2, 3, 1, 2]
    )
    assert said(claim("gap", "r1"), table).verdict == "reproduced"
    assert said(claim("r1", "gap"), table).verdict == "not reproduced"
    still = said(claim("gap", "r2"), table)
    assert still.verdict == "inconclusive" and still.low < 0 < still.high and still.n > 8


@pytest.mark.parametrize(("shift", "told"), [(0.6, "reproduced"), (-0.1, "not reproduced")])
def test_what_would_settle_an_order_does_and_one_run_less_does_not(shift, told):
    """Were what was seen the truth: the same distribution, by so many runs as asked for."""
    shares = (np.arange(8) + 0.5) / 8
    a, b = stats.norm.ppf(shares), stats.norm.ppf(shares, shift)
    seen = said(claim("gap", "r1"), runs(gap=a, r1=b))
    assert seen.verdict == "inconclusive"
    effect = rise([a, b])
    ends = [with_runs(effect, n) for n in (seen.n - 1, seen.n)]
    assert [e.low > 0 or e.high < MARGIN for e in ends] == [False, True]
    again = 1 + seen.n // 8
    many = said(claim("gap", "r1"), runs(gap=np.tile(a, again), r1=np.tile(b, again)))
    assert many.verdict == told


def test_runs_without_samples_cover_nothing():
    made = said(claim("gap", "r1"), runs(gap=[None] * 8, r1=[4, 5, 4, 5, 4, 5, 4, 5]))
    assert made.verdict == "reproduced" and made.runs == 8


def test_a_run_that_scores_nothing_is_the_worst_and_not_left_out():
    """Of sixteen the divergence of one is known, the best of all: theirs is the worse row still."""
    table = runs(gap=[0] * 15 + [9], r1=[4, 5] * 8)
    made = said(claim("r1", "gap", metric="reverse_kl"), table)
    assert made.runs == 16 and made.observed == pytest.approx(14 / 16)
    assert made.verdict == "reproduced"


@pytest.mark.parametrize("stopped", [["failed"], []])
def test_runs_that_were_stopped_or_are_missing_say_nothing(stopped):
    whole = runs(gap=[1] * 8, r1=[8] * 8)
    part = runs(gap=[1] * 7 + stopped, r1=[8] * 8)
    assert said(claim("gap", "r1"), whole).verdict == "reproduced"
    made = said(claim("gap", "r1"), part, whole)
    assert made.verdict == "unfinished" and made.runs == 7
    assert said(claim("gap", "r1"), runs(r1=[8] * 8), whole).verdict == "unfinished"


@pytest.mark.parametrize("value", [0, 8])
def test_a_floor_or_a_ceiling_settles_nothing(value):
    made = said(claim("gap", "r1"), runs(gap=[value] * 64, r1=[value] * 64))
    assert made.verdict == "inconclusive" and made.n is None
    assert made.effect == "every run scores the same, delta"


def test_a_bound_on_successes_is_kept_or_not_or_open():
    table = runs(gap=[8] * 16, r1=[1] * 16, r2=[8, 1] * 8)
    bounds = {"metric": "success", "at_least": 0.5}
    assert said(claim("gap", **bounds), table).verdict == "reproduced"
    assert said(claim("r1", **bounds), table).verdict == "not reproduced"
    still = said(claim("r2", metric="success", at_most=0.6), table)
    assert still.verdict == "inconclusive"
    low, high = clopper_pearson(round(still.observed * still.n), still.n)
    assert not low <= 0.6 <= high
    low, high = clopper_pearson(round(still.observed * (still.n - 1)), still.n - 1)
    assert low <= 0.6 <= high


def test_no_effect_at_all_is_not_reproduced_once_there_are_runs_enough():
    rng = np.random.default_rng(5)
    made = said(claim("gap", "r1"), runs(gap=rng.normal(size=200), r1=rng.normal(size=200)))
    assert made.verdict == "not reproduced" and made.high < MARGIN


@pytest.mark.parametrize("n", [8, 16, 64])
@pytest.mark.parametrize("rates", [(0.0, 0.1), (0.05, 0.5), (0.2, 0.5), (0.9, 1.0)])
def test_the_interval_holds_a_difference_of_rates(n, rates):
    rng = np.random.default_rng(6)
    drawn = [[(rng.random(n) < rate).astype(float) for rate in rates] for _ in range(1000)]
    held = [e.low <= rates[1] - rates[0] <= e.high for e in map(rise, drawn)]
    assert np.mean(held) >= 0.87
