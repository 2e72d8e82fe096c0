"""Verdicts on claims: what is reproduced, what is not, and what more runs would settle."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ganbench.claims import MARGIN, values, verdict, worst
from ganbench.effect import rise
from ganbench.schema import ClaimTable, RowTable
from ganbench.statistics import clopper_pearson


def test_delta_is_the_two_sample_statistic_of_mann_and_whitney():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, 12).astype(float), rng.integers(2, 11, 15).astype(float)
    u = stats.mannwhitneyu(y, x).statistic
    assert rise(x, y).delta == pytest.approx(2 * u / (12 * 15) - 1)
    assert rise(y, x).delta == -rise(x, y).delta


def test_delta_of_zeros_and_ones_is_a_difference_of_rates():
    a, b = np.array([0.0] * 6 + [1.0] * 2), np.array([0.0] * 3 + [1.0] * 7)
    assert rise(a, b).delta == pytest.approx(0.7 - 0.25)


@pytest.mark.parametrize("n", [8, 16, 64])
@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_the_interval_holds_delta_as_often_as_it_says(n, shift):
    rng, true = np.random.default_rng(2), 2 * stats.norm.cdf(shift / np.sqrt(2)) - 1
    found = [rise(rng.normal(size=n), rng.normal(shift, size=n)) for _ in range(1000)]
    assert np.mean([e.low <= true <= e.high for e in found]) == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(("own", "common"), [(1.0, 0.0), (0.0, 1.0), (0.7, 0.7)])
@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_the_interval_over_shapes_holds_delta_too(own, common, shift):
    """Two runs a shape and method; what a shape does to one method, and what to both."""
    rng, shapes = np.random.default_rng(3), np.repeat(np.arange(32), 2)

    def drawn():
        both = common * rng.normal(size=32)
        of = [m + (both + own * rng.normal(size=32))[shapes] for m in (0.0, shift)]
        return [x + 0.5 * rng.normal(size=64) for x in of]

    true = 2 * stats.norm.cdf(shift / np.sqrt(2 * (own**2 + common**2 + 0.25))) - 1
    found = [rise(*drawn(), (shapes, shapes)) for _ in range(600)]
    assert {e.n for e in found} == {32}
    assert np.mean([e.low <= true <= e.high for e in found]) == pytest.approx(0.95, abs=0.025)
    if own == 1.0 and shift == 0:  # taken one by one they would pretend to more
        one_by_one = [rise(*drawn()) for _ in range(600)]
        assert np.mean([e.low <= true <= e.high for e in one_by_one]) < 0.9


@pytest.mark.parametrize("count", [2, 4, 8])
def test_few_shapes_pretend_to_no_more_than_they_know(count):
    """Rows that do not differ are told apart in at most one of forty boxes, as is promised."""
    rng, shapes = np.random.default_rng(8), np.repeat(np.arange(count), 16 // count)

    def drawn():
        return rng.normal(size=count)[shapes] + 0.5 * rng.normal(size=16)

    found = [rise(drawn(), drawn(), (shapes, shapes)).low > 0 for _ in range(1000)]
    assert np.mean(found) <= 0.025 + 2 * np.sqrt(0.025 * 0.975 / 1000)


def test_rows_that_lie_apart_or_are_equal_do_not_pretend_to_certainty():
    apart = rise(np.zeros(8), np.ones(8))
    assert apart.delta == apart.high == 1 and 0.2 < apart.low < 0.5
    below = rise(np.ones(8), np.zeros(8))
    assert below.delta == below.low == -1 and below.high == -apart.low
    equal = rise(np.ones(8), np.ones(8))
    assert equal.delta == 0 and 0.2 < equal.high < 0.4 and equal.low == -equal.high
    # by the exact test eight against none of eight is significant, and three against none is not
    assert rise(np.zeros(3), np.ones(3)).low < 0 < apart.low
    # no end lies beyond what delta can be
    assert rise(np.zeros(2), np.array([1.0, 0.0])).high <= 1
    shapes = np.arange(8)
    few = rise(np.zeros(8), np.ones(8), (shapes, shapes))
    assert few.delta == few.high == 1 and 0 < few.low < apart.low


def runs(**rows):
    """`runs.csv` of {method: values of modes}; None: it diverged, "failed": it was stopped."""
    made = [
        {
            "task": "ring",
            "method": method,
            "hyperparameters": json.dumps({"learning_rate": 0.1}),
            "seed": 0,
            "replicate": i,
            "status": {None: "diverged", "failed": "failed"}.get(value, "ok"),
            "success": value not in (None, "failed") and value >= 8,
            "modes": np.nan if value in (None, "failed") else value,
            "reverse_kl": np.nan if value in (None, "failed", 0) else 1 / value,
        }
        for method, values in rows.items()
        for i, value in enumerate(values)
    ]
    return pd.DataFrame(made)


def claim(*rows, **changed):
    tables = [RowTable(method=row) for row in rows]
    given = {"says": "more", "source": "us", "verified": True, "task": "ring", "metric": "modes"}
    return ClaimTable(**given | changed, rows=tables)


def said(claim, table, asked=None):
    asked = table if asked is None else asked
    return verdict(claim, [values(table, asked, claim.task, x, claim.metric) for x in claim.rows])


def test_an_order_is_reproduced_or_not_or_open():
    table = runs(
        gap=[1, 2, 3, 2, 1, 2, 3, 2], r1=[7, 8, 8, 7, 6, 8, 7, 8], r2=[2, 2, 3, 1, 2, 3, 1, 2]
    )
    assert said(claim("gap", "r1"), table).verdict == "reproduced"
    assert said(claim("r1", "gap"), table).verdict == "not reproduced"
    still = said(claim("gap", "r2"), table)
    assert still.verdict == "inconclusive" and still.low < 0 < still.high and still.n > 8


def test_an_order_of_many_is_that_of_its_least_step():
    low, high, higher = [1, 2, 1, 2] * 4, [5, 6, 5, 6] * 4, [8, 9, 8, 9] * 4
    table = runs(gap=low, r1=high, r2=higher, wgan=high)
    assert said(claim("gap", "r1", "r2"), table).verdict == "reproduced"
    flat = said(claim("gap", "r1", "wgan"), table)  # rises from the first to the last
    assert flat.verdict == "inconclusive" and flat.observed == 0
    back = said(claim("gap", "r2", "r1"), table)
    assert back.verdict == "not reproduced" and back.observed == -1
    # a step that is not reproduced outweighs one that is open
    assert said(claim("r1", "wgan", "gap"), table).verdict == "not reproduced"


def test_points_of_one_net_are_counted_once():
    table = runs(gap=[1, 5, 2, 6] * 8, r1=[3, 7, 4, 8] * 8)
    alone = said(claim("gap", "r1"), table)
    widths = np.tile(np.repeat(np.arange(4), 8), 2)
    table["hyperparameters"] = [
        json.dumps({"width": int(w), "learning_rate": i / 100, "r1.gamma": 0.1})
        for i, w in enumerate(widths)
    ]
    made = said(claim("gap", "r1"), table)
    assert (alone.runs, made.runs) == (32, 4)
    assert alone.observed == made.observed and made.high - made.low < 2


@pytest.mark.parametrize(
    ("metric", "value"), [("modes", 0), ("inception_score", 1), ("log_density", -np.inf)]
)
def test_the_worst_is_no_better_than_any_run(metric, value):
    assert worst(metric) == value
    assert worst("kid") == worst("reverse_kl") == np.inf


@pytest.mark.parametrize("shift", [0.6, 0.9, -0.1])
def test_what_would_settle_an_order_does_in_four_of_five_experiments(shift):
    """Were what was seen the truth: by so many runs as asked for, drawn from it anew."""
    shares, rng = (np.arange(8) + 0.5) / 8, np.random.default_rng(0)
    a, b = stats.norm.ppf(shares), stats.norm.ppf(shares, shift)
    seen = said(claim("gap", "r1"), runs(gap=a, r1=b))
    assert seen.verdict == "inconclusive" and seen.n > 8

    def settled(n):
        """(share reproduced, share not) of experiments."""
        made = [rise(rng.choice(a, n), rng.choice(b, n)) for _ in range(400)]
        above = np.mean([e.low > 0 for e in made])
        return above, np.mean([e.low <= 0 and e.high < MARGIN for e in made])

    above, below = settled(seen.n)
    assert above + below == pytest.approx(0.8, abs=0.07)
    assert (seen.chance_reproduced, seen.chance_not) == pytest.approx((above, below), abs=0.1)
    assert sum(settled(seen.n // 2)) < 0.65


@pytest.mark.slow
@pytest.mark.parametrize("means", [(0.0, 0.8, 1.6), (0.0, 0.8, 1.2), (0.0, 1.3, 2.1)])
def test_what_would_settle_several_steps_settles_them_together(means):
    """Equal steps, an easier one, and one that is settled already and may not be again."""
    names, shares = ("gap", "r1", "r2"), (np.arange(8) + 0.5) / 8
    rows = {name: stats.norm.ppf(shares, m) for name, m in zip(names, means, strict=True)}
    table = runs(**rows)
    made = said(claim(*names), table)
    steps = [said(claim(*pair), table) for pair in pairwise(names)]
    assert made.verdict == "inconclusive"
    assert made.n >= max(step.n for step in steps if step.verdict == "inconclusive")
    assert made.observed == min(s.observed for s in steps if s.verdict == "inconclusive")
    rng = np.random.default_rng(0)

    def settled():
        drawn = {n: rng.choice(x, made.n) for n, x in rows.items()}
        return said(claim(*names), runs(**drawn)).verdict != "inconclusive"

    assert np.mean([settled() for _ in range(200)]) == pytest.approx(0.8, abs=0.1)


def test_runs_without_samples_cover_nothing():
    made = said(claim("gap", "r1"), runs(gap=[None] * 8, r1=[4, 5, 4, 5, 4, 5, 4, 5]))
    assert made.verdict == "reproduced" and made.runs == 8


def test_a_run_that_scores_nothing_is_the_worst_and_not_left_out():
    """Of sixteen the divergence of one is known, the best of all: theirs is the worse row still."""
    table = runs(gap=[0] * 15 + [9], r1=[4, 5] * 8)
    made = said(claim("r1", "gap", metric="reverse_kl"), table)
    assert made.runs == 16 and made.observed == pytest.approx(14 / 16)
    assert made.verdict == "reproduced"


def test_runs_that_were_all_stopped_have_no_column_of_a_score_asked_for():
    whole = runs(gap=[1] * 8, r1=[2] * 8)
    made = said(claim("gap", "r1", metric="kid"), whole.iloc[:0], whole)
    assert (made.verdict, made.runs) == ("unfinished", 0)


@pytest.mark.parametrize("stopped", [["failed"], []])
def test_runs_that_were_stopped_or_are_missing_say_nothing(stopped):
    whole = runs(gap=[1] * 8, r1=[8] * 8)
    part = runs(gap=[1] * 7 + stopped, r1=[8] * 8)
    assert said(claim("gap", "r1"), whole).verdict == "reproduced"
    made = said(claim("gap", "r1"), part, whole)
    assert made.verdict == "unfinished" and made.runs == 7
    assert said(claim("gap", "r1"), runs(r1=[8] * 8), whole).verdict == "unfinished"


def test_other_runs_do_not_stand_in_for_missing_ones():
    """Four of eight planned runs, and four of another base seed: more than these may count."""
    whole = runs(gap=[1] * 8, r1=[8] * 8)
    part = whole[whole["replicate"] < 4]
    other = part.assign(seed=7)
    assert said(claim("gap", "r1"), pd.concat([part, other]), whole).verdict == "unfinished"
    made = said(claim("gap", "r1"), pd.concat([whole, other]), whole)
    assert (made.verdict, made.runs) == ("reproduced", 12)


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
    hits = np.arange(still.n + 1)
    low, high = np.array([clopper_pearson(k, still.n) for k in hits]).T
    pmf = stats.binom.pmf(hits, still.n, 0.5)
    within, beyond = pmf[high <= 0.6].sum(), pmf[low > 0.6].sum()
    assert 0.8 <= within + beyond < 0.85
    assert (still.chance_reproduced, still.chance_not) == pytest.approx((within, beyond))


def test_a_bound_over_a_box_counts_shapes():
    table = runs(gap=[8, 1] * 32)
    bounds = {"metric": "success", "at_least": 0.3}
    assert said(claim("gap", **bounds), table).verdict == "reproduced"
    table["hyperparameters"] = [
        json.dumps({"width": i % 4 // 2, "learning_rate": i / 100}) for i in range(64)
    ]
    made = said(claim("gap", **bounds), table)
    assert (made.verdict, made.runs, made.observed) == ("inconclusive", 2, 0.5)
    assert (made.low, made.high) == pytest.approx(clopper_pearson(1, 2))


def test_no_effect_at_all_is_not_reproduced_once_there_are_runs_enough():
    rng = np.random.default_rng(5)
    made = said(claim("gap", "r1"), runs(gap=rng.normal(size=200), r1=rng.normal(size=200)))
    assert made.verdict == "not reproduced" and made.high < MARGIN


def test_runs_added_until_it_is_settled_settle_too_much():
    """Of rows that do not differ: at a fixed n, and looked at again with each run more."""
    rng, fixed, added = np.random.default_rng(7), 0, 0
    for _ in range(1000):
        x, y = rng.normal(size=(2, 40))
        seen = (rise(x[:n], y[:n]) for n in range(8, 41))
        settled = [effect.low > 0 for effect in seen if effect.low > 0 or effect.high < MARGIN]
        fixed += rise(x[:8], y[:8]).low > 0
        added += bool(settled and settled[0])
    assert fixed / 1000 <= 0.025 < 0.06 < added / 1000


@pytest.mark.parametrize("n", [8, 16, 64])
@pytest.mark.parametrize("rates", [(0.0, 0.1), (0.05, 0.5), (0.2, 0.5), (0.9, 1.0)])
def test_the_interval_holds_a_difference_of_rates(n, rates):
    rng = np.random.default_rng(6)
    drawn = [[(rng.random(n) < rate).astype(float) for rate in rates] for _ in range(1000)]
    held = [e.low <= rates[1] - rates[0] <= e.high for e in (rise(*both) for both in drawn)]
    assert np.mean(held) >= 0.87
