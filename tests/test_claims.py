"""Verdicts on claims: what is reproduced, what is not, and what more runs would settle."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ganbench.claims import MARGIN, verdict
from ganbench.effect import rise
from ganbench.errors import BadInput
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


def runs(**rows):
    """`runs.csv` of {method: values of modes}; None is a run that diverged."""
    made = [
        {
            "task": "ring",
            "method": method,
            "hyperparameters": json.dumps({"learning_rate": 0.1}),
            "status": "diverged" if value is None else "ok",
            "success": value is not None and value >= 8,
            "modes": np.nan if value is None else value,
        }
        for method, values in rows.items()
        for value in values
    ]
    return pd.DataFrame(made)


def claim(*rows, **changed):
    tables = [RowTable(method=row) for row in rows]
    given = {"says": "more", "source": "us", "verified": True, "task": "ring", "metric": "modes"}
    return ClaimTable(**given | changed, rows=tables)


def test_an_order_is_reproduced_or_not_or_open():
    table = runs(
        gap=[1, 2, 3, 2, 1, 2, 3, 2], r1=[7, 8, 8, 7, 6, 8, 7, 8], r2=[2, 2, 3, 1, 2, 3, 1, 2]
    )
    assert verdict(claim("gap", "r1"), table).verdict == "reproduced"
    assert verdict(claim("r1", "gap"), table).verdict == "not reproduced"
    still = verdict(claim("gap", "r2"), table)
    assert still.verdict == "inconclusive" and still.low < 0 < still.high and still.n > 8


def test_what_would_settle_an_order_does():
    """Were what was seen the truth, so many runs have an interval that is on one side."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=8), rng.normal(0.6, size=8)
    seen = verdict(claim("gap", "r1"), runs(gap=a, r1=b))
    assert seen.verdict == "inconclusive"
    again = -(-seen.n // 8)
    many = verdict(claim("gap", "r1"), runs(gap=np.tile(a, again), r1=np.tile(b, again)))
    assert many.verdict in ("reproduced", "not reproduced")


def test_runs_without_samples_cover_nothing():
    table = runs(gap=[None] * 8, r1=[4, 5, 4, 5, 4, 5, 4, 5])
    made = verdict(claim("gap", "r1"), table)
    assert made.verdict == "reproduced" and made.runs == 8


def test_a_bound_on_successes_is_kept_or_not_or_open():
    table = runs(gap=[8] * 16, r1=[1] * 16, r2=[8, 1] * 8)
    bounds = {"metric": "success", "at_least": 0.5}
    assert verdict(claim("gap", **bounds), table).verdict == "reproduced"
    assert verdict(claim("r1", **bounds), table).verdict == "not reproduced"
    still = verdict(claim("r2", metric="success", at_most=0.6), table)
    assert still.verdict == "inconclusive"
    low, high = clopper_pearson(round(still.observed * still.n), still.n)
    assert not low <= 0.6 <= high
    low, high = clopper_pearson(round(still.observed * (still.n - 1)), still.n - 1)
    assert low <= 0.6 <= high


def test_a_claim_of_too_few_runs_is_refused():
    with pytest.raises(BadInput, match="claim 'more': 1 runs of r1, 2 needed"):
        verdict(claim("gap", "r1"), runs(gap=[1, 2], r1=[1]))


def test_no_effect_at_all_is_not_reproduced_once_there_are_runs_enough():
    rng = np.random.default_rng(5)
    made = verdict(claim("gap", "r1"), runs(gap=rng.normal(size=200), r1=rng.normal(size=200)))
    assert made.verdict == "not reproduced" and made.high < MARGIN
