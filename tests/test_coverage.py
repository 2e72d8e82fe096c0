"""Intervals hold what they claim to, and those that do not are not shown."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from boards import board, runs
from scipy import stats

from ganbench.intervals import (
    KINDS,
    LEAST_COVERAGE,
    POOLED,
    SIZES,
    Coverage,
    described,
    interval,
    kind,
    least,
    measured,
    shipped,
)
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.statistics import (
    RESAMPLES,
    _resamples,
    bootstrap_ends,
    bootstrap_interval,
    clopper_pearson,
    mean_alone,
    t_ends,
    t_interval,
)

NAN = float("nan")
RNG = np.random.default_rng
SIMULATION = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks/coverage.py"))
SCRUTINY = Path(__file__).parents[1] / "results/reference/scrutiny/runs.csv"


def apart(a, b, n):
    """How many standard errors two shares are apart, the second of `n`, the first of many more."""
    return abs(a - b) / np.sqrt(max(a * (1 - a), 1 / n) / n)


@pytest.mark.parametrize("n", [1, 4, 8, 16, 64])
def test_rate_intervals_hold_at_least_95_percent(n):
    """Summed over all outcomes, at rates from one in a thousand on."""
    low, high = np.array([clopper_pearson(k, n) for k in range(n + 1)]).T
    for rate in np.arange(1, 1000) / 1000:
        held = (low <= rate) & (rate <= high)
        assert stats.binom.pmf(np.arange(n + 1), n, rate)[held].sum() >= 0.95


@pytest.mark.parametrize("n", [8, 16, 64])
def test_gaussian_means_are_held_by_93_to_97_percent(n):
    x, truth = SIMULATION["gaussian"](RNG(n), n, 20_000)
    held = SIMULATION["held"](t_ends, x, truth)
    assert held[0].all() and 0.93 <= held[1].mean() <= 0.97
    assert apart(0.95, held[1].mean(), 20_000) < 4  # Student's is exact
    held = SIMULATION["held"](bootstrap_ends, x[:, :2000], truth[:2000])
    assert 0.93 <= held[1].mean() <= 0.97


def leaderboards(boards, n, rate=0.3):
    """As many simulated leaderboards: each a task of one row, whose scores are Gaussian."""
    rng = RNG(n)
    parts = []
    for i in range(boards):
        scores = dict(zip(METRICS, rng.normal(3, 2, (len(METRICS), n)), strict=True))
        success = rng.random(n) < rate
        parts.append(runs("a", 0, n, task=f"{i}", success=success, **scores))
    return board(*parts)


def check_leaderboards(boards, n):
    frame = leaderboards(boards, n)
    rates = (frame["success_low"] <= 0.3) & (0.3 <= frame["success_high"])
    assert rates.mean() >= 0.95 - 4 * np.sqrt(0.05 * 0.95 / boards)
    for name in METRICS:
        own = kind(name, n)
        assert frame[f"{name}_low"].isna().all() == (own is None)
        if own is not None:
            held = (frame[f"{name}_low"] <= 3) & (3 <= frame[f"{name}_high"])
            assert 0.93 - 4 * np.sqrt(0.05 * 0.95 / boards) <= held.mean()
            assert held.mean() <= 0.97 + 4 * np.sqrt(0.03 * 0.97 / boards)


def test_leaderboards_of_gaussian_scores():
    check_leaderboards(100, 16)


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 16, 64])
def test_two_thousand_leaderboards_of_gaussian_scores(n):
    check_leaderboards(2000, n)


def measurements(rows):
    """{(population, task, score, n, kind): the share shown, and that of these that hold}."""
    return {row[:5]: row[5:] for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 16])
def test_the_coverage_that_comes_with_the_package_is_of_the_reference_suites_runs(n):
    """Drawn anew, fewer of them: it is not that of other runs, or of other intervals."""
    draws = {k: d for k, d in SIMULATION["populations"]().items() if k[0] == POOLED}
    shipped_ones = measurements(measured())
    found = measurements(SIMULATION["simulate"](draws, sizes=(n,), samples=500, seed=1))
    found = {at: seen for at, seen in found.items() if at[4] in KINDS}
    assert len(found) == len(draws) * len(KINDS)
    for at, (shown, coverage) in found.items():
        assert apart(shipped_ones[at][0], shown, 500) < 5, at
        if shown > 0.02:
            assert apart(shipped_ones[at][1], coverage, 500 * shown) < 5, at


@pytest.mark.slow
def test_the_coverage_that_comes_with_the_package_is_what_the_simulation_gives():
    """Of two tasks and normal scores; all of it takes a core a quarter of an hour."""
    chosen = ("grid", "pacgan-grid", "-")
    populations = SIMULATION["populations"]()
    found = measurements(
        SIMULATION["simulate"]({k: d for k, d in populations.items() if k[1] in chosen})
    )
    everything = measurements(measured())
    assert {at[:3] for at in everything} == set(populations)
    wanted = {at: seen for at, seen in everything.items() if at[1] in chosen}
    assert list(found) == list(wanted)
    # other processors round a resample's t otherwise: seldom past the truth
    np.testing.assert_allclose(list(found.values()), list(wanted.values()), atol=0.002)


def test_what_is_shown_holds_90_percent_wherever_it_was_measured():
    tasks = {row.task for row in measured() if row.population == POOLED}
    small = {"ring", "grid", "digits", "stacked-digits", "pacgan-ring", "pacgan-grid"}
    assert tasks == small | {"stacked-mnist"}
    scored = list(pd.read_csv(SCRUTINY, nrows=0).columns.intersection([*METRICS, *OPTIONAL]))
    assert set(METRICS) < set(scored)
    for task in (None, *tasks):
        covered = shipped(task)
        for name in scored:
            for i, n in enumerate(SIZES):
                assert (name, n, "t") in covered  # every score that runs were asked for
                own = kind(name, n, covered)
                assert own is None or covered[name, n, own] >= LEAST_COVERAGE
                if own == "bootstrap":
                    assert min(covered[name, m, "t"] for m in SIZES[i:]) < LEAST_COVERAGE
    boards = [row for row in measured() if row.kind == "board" and row.shown > 0.1]
    assert {row.n for row in boards} == set(SIZES)
    assert all(row.coverage >= 0.9 for row in boards)


def test_skewed_scores_show_a_bootstrap_or_nothing_at_small_n():
    ring = shipped("ring")
    kinds = [kind("inception_score", n, ring) for n in (3, 8, 16, 64)]
    assert kinds == [None, None, "bootstrap", "bootstrap"]
    assert [kind("high_quality", n, ring) for n in (3, 4, 8, 1000)] == [None, "t", "t", "t"]
    assert {kind("am_score", n, ring) for n in SIZES} == {None}  # its mean is infinite
    # where it was measured: one run in a thousand decides on the ring, none does here
    assert [kind("fid", 8, shipped(task)) for task in ("ring", "stacked-digits")] == [None, "t"]
    assert kind("fid", 8, shipped("elsewhere")) == kind("fid", 8, shipped()) is None


def test_the_kind_follows_from_the_coverage_where_it_is_least():
    def row(task, n, own, coverage, population=POOLED, shown=1.0):
        return Coverage(population, task, "s", n, own, shown, coverage)

    good = [row("x", n, k, 0.95) for n in SIZES for k in KINDS]

    def kinds(*changed):
        rows = [r for r in good if not any(r[:5] == c[:5] for c in changed)] + [*changed]
        assert least(rows) == least(rows[::-1])
        return [kind("s", n, least(rows)) for n in (3, 4, 7, 8, 16, 32, 64, 99)]

    assert kinds() == [None, *["t"] * 7]
    poor = row("y", 8, "t", 0.89)  # on another task; so t is good from 16 on, 12 and larger
    assert kinds(poor) == [None, *["bootstrap"] * 3, *["t"] * 4]
    knife = row("y", 4, "t", 0.905)  # within what the measurement may be off
    assert kinds(knife) == [None, "bootstrap", "bootstrap", *["t"] * 5]
    seldom = row("x", 32, "bootstrap", 0.99, shown=0.4)
    assert kinds(poor, seldom) == [None, None, None, None, *["t"] * 4]
    never = row("x", 64, "t", NAN, shown=0.0)
    assert kinds(never) == [None, *["bootstrap"] * 7]
    assert kinds(row("y", 8, "t", 0.1, "one row"), row("y", 8, "board", 0.1)) == kinds()
    assert kind("another", 8, least(good)) is None


def test_an_interval_is_described_with_its_coverage():
    covered = shipped()
    t, bootstrap = (int(100 * covered["inception_score", 8, k]) for k in ("t", "bootstrap"))
    assert 65 < t < bootstrap < 90
    assert described("inception_score", 10) == f"none: t holds {t} %, bootstrap holds {bootstrap} %"
    own = int(100 * covered["inception_score", 32, "bootstrap"])
    assert described("inception_score", 32) == f"bootstrap, holds {own} %"
    own = int(100 * shipped("grid")["modes", 64, "t"])
    assert described("modes", 99, "grid") == f"t, holds {own} %"
    assert described("unmeasured", 16) == described("modes", 3) == "none: not measured"


def test_an_interval_is_of_its_scores_kind():
    x = RNG(0).exponential(size=16)
    for name, made in (("modes", t_interval), ("inception_score", bootstrap_interval)):
        assert interval(name, x, "ring") == made(x)
        assert interval(name, [*x, NAN], "ring") == made(x)  # what is not known does not count
    np.testing.assert_equal(tuple(interval("fid", x, "ring")), (x.mean(), NAN, NAN, 16))
    assert interval("fid", x, "stacked-digits") == t_interval(x)
    np.testing.assert_equal(tuple(interval("unmeasured", x)), tuple(mean_alone(x)))
    np.testing.assert_equal(tuple(interval("modes", [1, 2, 3])), (2, NAN, NAN, 3))
    np.testing.assert_equal(tuple(interval("modes", [])), (NAN, NAN, NAN, 0))


@pytest.mark.parametrize("n", [5, 16])
def test_bootstrap_resample_by_resample(n):
    """Each resample written out, its t from its own mean and spread."""
    x = RNG(n).exponential(size=n)
    t = []
    for counts in _resamples(n).astype(int):
        own = np.repeat(np.sort(x), counts)
        error = own.std(ddof=1) / np.sqrt(n)
        distance = own.mean() - x.mean()
        t.append(distance / error if error else np.copysign(np.inf, distance))
    t = sorted(t)
    assert len(t) == RESAMPLES
    error = x.std(ddof=1) / np.sqrt(n)
    for level, k in ((0.95, 50), (0.9, 100)):  # the k-th from either end
        ends = x.mean() - t[-k] * error, x.mean() - t[k - 1] * error
        np.testing.assert_allclose(bootstrap_ends(x[:, None], level), np.array(ends)[:, None])


def test_bootstrap_moves_and_scales_with_its_sample_and_knows_no_order():
    x = RNG(1).exponential(size=12)
    made = bootstrap_interval(x)
    assert bootstrap_interval(RNG(2).permutation(x)) == made == bootstrap_interval(x)
    np.testing.assert_allclose(bootstrap_interval(5 * x - 3)[:3], 5 * np.array(made[:3]) - 3)
    mirrored = bootstrap_interval(-x)
    assert made.high - made.mean > made.mean - made.low  # the long tail's side
    assert mirrored.mean - mirrored.low > mirrored.high - mirrored.mean


def test_bootstrap_is_null_where_resamples_leave_it_open():
    """7 of 8 equal: a third of the resamples have no spread, and t has no end there."""
    np.testing.assert_equal(tuple(bootstrap_interval([8.0] * 7 + [7])), (7.875, NAN, NAN, 8))
    low, high = bootstrap_ends(np.array([[8.0] * 7 + [7]]).T)
    assert low == -np.inf and 7.875 < high < np.inf
    # a resample of the middle value alone has the sample's mean: t = 0, not 0 / 0
    x = np.array([[1.0, 2, 2, 2, 2, 2, 2, 3]]).T
    assert np.isfinite(bootstrap_ends(x)).all()
    assert (x + 1.1).mean() != 3.1  # but for rounding it is
    np.testing.assert_allclose(bootstrap_ends(x + 1.1), np.array(bootstrap_ends(x)) + 1.1)
    np.testing.assert_equal(tuple(bootstrap_interval([4, 4, 4])), (4, NAN, NAN, 3))
    np.testing.assert_equal(tuple(bootstrap_interval([1, np.inf, 3, 4])), (np.inf, NAN, NAN, 4))
    np.testing.assert_equal(tuple(bootstrap_interval([1, 2, NAN])), (1.5, NAN, NAN, 2))


def test_what_counts_as_held():
    """No interval of equal or infinite values; none holds an infinite mean."""
    x = np.array([[1, 1, 1, 1], [1, 2, np.inf, 2], [1, 3, 3, 3.0]])
    truth = np.array([1, 2, 2, np.inf])
    assert SIMULATION["held"](t_ends, x, truth).tolist() == [
        [False, True, False, True],
        [False, True, False, False],
    ]
    assert not SIMULATION["held"](t_ends, x[:, 1:2], np.array([50.0]))[1].any()


def test_populations_are_the_methods_runs():
    every = SIMULATION["runs"]()
    assert not set(every["method"]) & {"real", "held-out", "noise"}
    boards = {"mode-collapse", "zoo", "scrutiny", "stacked-mnist"}
    stacked = {"unrolled-stacked", "pacgan-stacked", "r3gan-stacked"}
    assert set(every["suite"]) == boards | stacked | {"pacgan-toy", "veegan"}
    draws = SIMULATION["populations"]()
    x, truth = draws[POOLED, "ring", "modes"](RNG(0), 3, 4000)
    ring = every[every["task"] == "ring"]["modes"]
    assert x.shape == (3, 4000) and set(np.unique(x)) <= set(ring.dropna())
    np.testing.assert_allclose(truth, ring.mean())
    np.testing.assert_allclose(x.mean(), ring.mean(), rtol=0.02)
    x, truth = draws["one row", "any", "modes"](RNG(0), 4, 500)
    keys = ["suite", "task", "method", "hyperparameters"]
    rows = [set(part) for _, part in every.dropna(subset=["modes"]).groupby(keys)["modes"]]
    assert all(any(set(column) <= row for row in rows) for column in x.T)
    assert len(set(truth)) > 100 and np.isfinite(truth).all()
