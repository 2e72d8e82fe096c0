"""One hand-written trace for every status, and the rules' edges."""

import numpy as np
import pytest

from ganbench.diagnostics.outcome import (
    STATUSES,
    Baseline,
    Outcome,
    Rules,
    Trace,
    jaccard_distance,
    oscillation,
    outcome,
)

NEVER = float("inf")
BASELINE = Baseline(
    curve_modes=10.0, final_modes=10.0, high_quality=1.0, curve_high_quality=1.0, jaccard=0.0
)


def first(count):
    """The first `count` of 10 modes."""
    return np.arange(10) < count


def trace(sets, **changed):
    """A run of 100 steps an evaluation whose final sample covers what its last evaluation does."""
    covered = np.array([first(s) if isinstance(s, int) else s for s in sets])
    made = Trace(
        steps=100 * np.arange(1, len(covered) + 1),
        covered=covered,
        high_quality=np.ones(len(covered)),
        sample_rms=np.ones(len(covered)),
        generator_gradient=np.ones(100 * len(covered)),
        final_modes=covered[-1].sum(),
        final_high_quality=1.0,
        diverged_at=None,
        data_rms=1.0,
    )
    return made._replace(**changed)


def judged(run, baseline=BASELINE, rules=None):
    return outcome(run, baseline, rules or Rules())


def summary(run, **given):
    made = judged(run, **given)
    return made.status, made.onset, made.success


NAN = float("nan")
VANISHED = np.concatenate([np.ones(500), np.full(500, 1e-6)])
FLIPPING = [first(10) if i % 2 else ~first(5) for i in range(9)]

EXAMPLES = {
    "failed": (trace([10] * 3, failed="out of memory"), None, False),
    "diverged": (trace([10] * 3, diverged_at=157), 157, False),
    "diverged by samples": (trace([10] * 3, sample_rms=np.array([1, 1000.1, 1])), 200, False),
    "unlearned": (
        trace([4] * 10, high_quality=np.full(10, 0.4), final_high_quality=0.4),
        100,
        False,
    ),
    "saturated": (trace([8] * 10, generator_gradient=VANISHED), 600, False),
    "collapsed": (trace([10] * 5 + [1] * 5), 600, False),
    "oscillating": (trace([10] * 3 + FLIPPING[3:], final_modes=10), 700, False),
    "ok": (trace([2, 5, 8, 9, 10, 10]), None, True),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_status_onset_success(name):
    run, onset, success = EXAMPLES[name]
    assert summary(run) == (name.split()[0], onset, success)


def test_every_status_has_an_example():
    assert {name.split()[0] for name in EXAMPLES} == {status.name for status in STATUSES}


def test_all_of_an_outcome():
    assert judged(EXAMPLES["ok"][0]) == Outcome("ok", None, True, 1.0, 0.0, 400.0)
    made = judged(EXAMPLES["collapsed"][0])
    assert made == Outcome("collapsed", 600, False, 0.1, 0.0, 100.0)
    assert judged(EXAMPLES["oscillating"][0]).jaccard == 0.5


def test_a_perfect_generator_that_drops_to_one_mode():
    """It drops after step 500: the onset is the next evaluation."""
    assert summary(trace([10] * 5 + [1] * 5))[1] == 600
    assert summary(trace([1] * 10))[:2] == ("collapsed", 100)
    # an earlier lapse that healed is not the onset
    assert summary(trace([1, 10, 1, 10, 10, 3, 4, 4]))[:2] == ("collapsed", 600)


@pytest.mark.parametrize(
    ("modes", "quality", "expected"),
    [
        (4, 1.0, ("collapsed", 100, False)),
        (5, 1.0, ("ok", None, False)),
        (6, 1.0, ("ok", None, False)),
        (8, 1.0, ("ok", None, False)),
        (9, 1.0, ("ok", None, True)),
        (9, 0.5, ("ok", None, True)),
        (9, 0.49, ("ok", None, False)),
        (4, 0.49, ("unlearned", 100, False)),
        (4, 0.5, ("collapsed", 100, False)),
        (6, 0.1, ("ok", None, False)),
    ],
)
def test_coverage_and_quality_limits(modes, quality, expected):
    run = trace([modes] * 6, high_quality=np.full(6, quality), final_high_quality=quality)
    assert summary(run) == expected


def test_just_under_half_coverage():
    baseline = BASELINE._replace(curve_modes=10.2, final_modes=10.2)  # 5 modes: 0.49
    poor = {"high_quality": np.full(6, 0.1), "final_high_quality": 0.1}
    assert judged(trace([5] * 6, **poor), baseline)[:2] == ("unlearned", 100)
    assert judged(trace([5] * 6), baseline)[:2] == ("collapsed", 100)


def test_half_coverage_once_is_learned():
    poor = {"high_quality": np.full(6, 0.1), "final_high_quality": 0.1}
    assert summary(trace([4, 4, 5, 4, 4, 4], **poor))[:2] == ("collapsed", 400)
    # on the larger final sample, too
    assert summary(trace([4] * 6, final_modes=5, **poor))[0] == "ok"


def test_unlearned_onset_is_where_both_conditions_hold_to_the_end():
    quality = np.array([0.1, 0.9, 0.9, 0.2, 0.2, 0.2])
    run = trace([4] * 6, high_quality=quality, final_high_quality=0.2)
    assert summary(run)[:2] == ("unlearned", 400)


def test_shares_are_of_what_real_reaches():
    """Curves against the curve's baseline, the end against the final one."""
    baseline = Baseline(5.0, 10.0, high_quality=0.8, curve_high_quality=0.6, jaccard=0.3)
    run = trace([4, 5, 5, 5], final_modes=9, final_high_quality=0.4)
    made = judged(run, baseline)
    assert (made.status, made.coverage, made.steps_to_90, made.success) == ("ok", 0.9, 200, True)
    assert not judged(run._replace(final_high_quality=0.39), baseline).success
    assert judged(run._replace(final_modes=4), baseline).onset == 400
    dull = run._replace(covered=run.covered & first(2), final_modes=4, final_high_quality=0.39)
    mixed = dull._replace(high_quality=np.array([0.1, 0.31, 0.29, 0.29]))
    assert judged(mixed, baseline)[:2] == ("unlearned", 300)


def test_oscillation_is_above_that_of_real_draws():
    run = EXAMPLES["oscillating"][0]  # distance 0.5
    assert judged(run, BASELINE._replace(jaccard=0.29)).status == "oscillating"
    assert judged(run, BASELINE._replace(jaccard=0.31)).status == "ok"
    assert judged(run, rules=Rules(oscillation_jaccard=0.6)).status == "ok"
    # in the last third only
    assert judged(trace(FLIPPING[:6] + [first(10)] * 3)).status == "ok"


def test_saturated_needs_lost_coverage_and_a_vanished_gradient():
    assert summary(trace([9] * 10, generator_gradient=VANISHED)) == ("ok", None, True)
    assert summary(trace([8] * 10, generator_gradient=100 * VANISHED))[0] == "saturated"
    late = np.concatenate([np.ones(950), np.full(50, 1e-6)])  # half of the last tenth
    assert summary(trace([8] * 10, generator_gradient=late))[0] == "ok"
    slow = np.concatenate([np.ones(500), np.full(500, 1.1e-4)])
    assert summary(trace([8] * 10, generator_gradient=slow))[0] == "ok"


def test_saturated_onset():
    healed = np.concatenate([np.ones(100), np.zeros(300), np.ones(300), np.full(300, 1e-9)])
    assert summary(trace([8] * 10, generator_gradient=healed))[:2] == ("saturated", 800)
    zero = np.zeros(1000)
    assert summary(trace([8] * 10, generator_gradient=zero))[:2] == ("saturated", 100)
    early = trace([8] * 10, steps=100 * np.arange(10), generator_gradient=zero[:900])
    assert summary(early)[:2] == ("saturated", 100)  # before the first step there is no gradient
    woken = np.concatenate([np.zeros(500), np.ones(500)])
    assert summary(trace([8] * 10, generator_gradient=woken))[0] == "ok"


def test_a_method_without_gradients_is_not_saturated():
    assert summary(trace([8] * 10, generator_gradient=np.empty(0)))[0] == "ok"
    unknown = np.full(1000, NAN)
    assert summary(trace([8] * 10, generator_gradient=unknown))[0] == "ok"


def test_first_match_wins():
    """All rules hold at once; taking the causes away one by one shows their order."""
    run = trace(
        [first(i % 2) for i in range(9)],
        high_quality=np.zeros(9),
        final_high_quality=0.0,
        generator_gradient=np.concatenate([np.ones(450), np.zeros(450)]),
        final_modes=0,
        failed="time limit",
        diverged_at=10,
    )
    seen = []
    for change in (
        {"failed": None},
        {"diverged_at": None},
        {"final_high_quality": 1.0},
        {"generator_gradient": np.ones(900)},
        {"final_modes": 8},
        {"covered": np.ones((9, 10), bool)},
    ):
        seen.append(judged(run).status)
        run = run._replace(**change)
    seen.append(judged(run).status)
    assert seen == [status.name for status in STATUSES]


@pytest.mark.parametrize("value", [NAN, np.inf, 1001.0])
def test_samples_out_of_bounds(value):
    run = trace([10] * 3, sample_rms=np.array([1, 1, value]))
    assert summary(run) == ("diverged", 300, False)
    # what comes first is the onset
    assert summary(run._replace(diverged_at=299))[1] == 299
    assert summary(run._replace(diverged_at=350))[1] == 300
    assert summary(run._replace(data_rms=2000.0))[0] == ("diverged" if value != 1001 else "ok")


def test_a_diverged_run_relies_on_no_evaluation_after_its_onset():
    made = judged(trace([5, 10, 10], diverged_at=150))
    assert (made.status, made.onset, made.steps_to_90) == ("diverged", 150, NEVER)
    assert np.isnan([made.coverage, made.jaccard]).all()
    assert judged(trace([5, 10, 10], diverged_at=250)).steps_to_90 == 200
    none = trace([10])
    none = none._replace(
        **{name: getattr(none, name)[:0] for name in ("steps", "covered", "high_quality")},
        sample_rms=np.empty(0),
        final_modes=NAN,
        final_high_quality=NAN,
    )
    assert summary(none._replace(diverged_at=3)) == ("diverged", 3, False)
    assert summary(none._replace(failed="no memory")) == ("failed", None, False)
    with pytest.raises(ValueError, match="no evaluation"):
        judged(none)


def test_what_is_not_a_number_is_not_reached():
    assert summary(trace([10] * 4, final_modes=NAN))[:2] == ("collapsed", 400)
    assert summary(trace([10] * 4, final_high_quality=NAN)) == ("ok", None, False)
    nan = {"high_quality": np.full(4, NAN), "final_high_quality": NAN}
    assert summary(trace([4] * 4, **nan)) == ("unlearned", 100, False)
    assert judged(trace(FLIPPING), BASELINE._replace(jaccard=NAN)).status == "ok"


def test_one_evaluation():
    assert summary(trace([10])) == ("ok", None, True)
    assert summary(trace([1])) == ("collapsed", 100, False)
    made = judged(trace([10]))
    assert np.isnan(made.jaccard) and made.steps_to_90 == 100
    assert judged(trace([8])).steps_to_90 == NEVER


def test_steps_to_90_is_the_first_time():
    assert judged(trace([5, 9, 5, 10])).steps_to_90 == 200


def test_jaccard():
    assert jaccard_distance(first(0), first(0)) == 0
    assert jaccard_distance(first(4), first(8)) == 0.5
    assert jaccard_distance(first(4), ~first(4)) == 1
    assert jaccard_distance(first(0), first(1)) == 1
    # a third of 4 evaluations is rounded up to 2; of 3 it is 1, which has no distance
    assert oscillation(np.array([first(10), first(10), first(4), first(8)])) == 0.5
    assert np.isnan(oscillation(np.array([first(10), first(4), first(8)])))
    assert oscillation(np.array([first(0)] * 9)) == 0


def test_a_baseline_without_modes_is_refused():
    with pytest.raises(ValueError, match="baseline"):
        judged(trace([10] * 3), BASELINE._replace(curve_modes=0.0))
