"""How a run ended, since which step, and whether it counts as a success. Host only, NumPy."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Rules(NamedTuple):
    """The thresholds. Shares are of what the task's `real` row reaches with as many samples."""

    divergence_rms: float = 1000.0  # samples' RMS, in units of the data's
    learned_coverage: float = 0.5
    learned_quality: float = 0.5
    saturated_gradient: float = 1e-4  # of the generator's median gradient norm at the start
    saturated_coverage: float = 0.9
    collapsed_coverage: float = 0.5
    oscillation_jaccard: float = 0.2  # above the distance between independent draws of real data
    success_coverage: float = 0.9
    success_quality: float = 0.5


class Baseline(NamedTuple):
    """What the task's `real` row reaches, as means over its replicates.

    `curve` is the sample size of the evaluations on the way, `final` the larger one at the end.
    """

    curve_modes: float  # modes covered
    final_modes: float
    high_quality: float  # share, final
    curve_high_quality: float
    jaccard: float  # mean distance between the modes that independent draws cover, curve


class Trace(NamedTuple):
    """What the harness saw of one run: E evaluations, S steps.

    From the onset of divergence on, evaluations may be missing or frozen; none is relied on.
    """

    steps: np.ndarray  # (E,) int: steps done at each evaluation, ascending
    covered: np.ndarray  # (E, K) bool
    high_quality: np.ndarray  # (E,)
    sample_rms: np.ndarray  # (E,), may be nan or inf
    generator_gradient: np.ndarray  # (S,) norm in each step; (0,) if the method has no generator
    final_modes: float
    final_high_quality: float
    diverged_at: int | None  # first step, from 1, with a loss or parameter that is not finite
    data_rms: float
    failed: str | None = None  # why the program stopped it: exception, memory, time limit


class Outcome(NamedTuple):
    """How a run ended. `coverage` and `jaccard` are nan if it failed or diverged."""

    status: str
    onset: int | None  # a step; None if ok or failed
    success: bool
    coverage: float  # modes covered at the end, as a share of `real`'s
    jaccard: float  # see `oscillation`; nan if the last third has fewer than two evaluations
    steps_to_90: float  # first evaluation with 90 % coverage; inf if there is none


class Case(NamedTuple):
    """What a status is told by."""

    trace: Trace
    baseline: Baseline
    rules: Rules


class Status(NamedTuple):
    """One way to end: when it holds, and since which step."""

    name: str
    holds: Callable[[Case], bool]
    onset: Callable[[Case], int | None]
    finished: bool = True  # whether the run reached its last evaluation


def outcome(
    trace: Trace, baseline: Baseline, rules: Rules, statuses: Sequence[Status] | None = None
) -> Outcome:
    """The first of `statuses` whose rule holds, with its onset, and what goes with it.

    `statuses` are `STATUSES` if none are given; the last one holds always.

    Success is `ok` with 90 % of `real`'s modes and half its high-quality share at the end. A value
    that is not a number never counts as reached.

    Raises:
        ValueError: the baseline covers no mode (too few samples), or a run that neither failed nor
            diverged has no evaluation.
    """
    if not (baseline.curve_modes > 0 and baseline.final_modes > 0):
        raise ValueError("the baseline covers no mode: evaluate on more samples")
    case = Case(trace, baseline, rules)
    status = next(status for status in statuses or STATUSES if status.holds(case))
    onset = status.onset(case)
    if not status.finished:
        before = trace.steps < (np.inf if onset is None else onset)
        return Outcome(status.name, onset, False, np.nan, np.nan, _steps_to_success(case, before))
    success = (
        status.name == "ok"
        and _final_coverage(case) >= rules.success_coverage
        and trace.final_high_quality >= rules.success_quality * baseline.high_quality
    )
    everywhere = np.ones(trace.steps.shape, bool)
    return Outcome(
        status=status.name,
        onset=onset,
        success=bool(success),
        coverage=_final_coverage(case),
        jaccard=oscillation(trace.covered),
        steps_to_90=_steps_to_success(case, everywhere),
    )


def jaccard_distance(a: np.ndarray, b: np.ndarray) -> float:
    """1 - |A and B| / |A or B| of two sets of modes, (K,) bool each; 0 if both are empty."""
    either = (a | b).sum()
    return float(1 - (a & b).sum() / either) if either else 0.0


def oscillation(covered: np.ndarray) -> float:
    """Mean `jaccard_distance` of neighbouring evaluations in the last third of (E, K) `covered`.

    nan if the last third has fewer than two evaluations.
    """
    last = covered[last_third(len(covered)) :]
    if len(last) < 2:
        return float("nan")
    pairs = zip(last[:-1], last[1:], strict=True)
    return float(np.mean([jaccard_distance(a, b) for a, b in pairs]))


def last_third(evaluations: int) -> int:
    """The index of the first evaluation of the last third."""
    return evaluations - -(-evaluations // 3)


def _coverage(case: Case) -> np.ndarray:
    return case.trace.covered.sum(1) / case.baseline.curve_modes


def _final_coverage(case: Case) -> float:
    return case.trace.final_modes / case.baseline.final_modes


def _steps_to_success(case: Case, allowed: np.ndarray) -> float:
    reached = case.trace.steps[allowed & (_coverage(case) >= case.rules.success_coverage)]
    return float(reached[0]) if len(reached) else float("inf")


def _since(case: Case, held: np.ndarray) -> int:
    """The first evaluation of the unbroken stretch of `held` that reaches the end.

    The last evaluation counts as held: the status was found there, on the larger final sample.
    """
    broken = np.flatnonzero(~held[:-1])
    return int(case.trace.steps[broken[-1] + 1 if len(broken) else 0])


def _failed(case: Case) -> bool:
    return case.trace.failed is not None


def _never(case: Case) -> None:
    return None


def _beyond(case: Case) -> np.ndarray:
    limit = case.rules.divergence_rms * case.trace.data_rms
    return ~(case.trace.sample_rms <= limit)  # nan is beyond


def _diverged(case: Case) -> bool:
    return case.trace.diverged_at is not None or bool(_beyond(case).any())


def _diverged_onset(case: Case) -> int:
    steps = [int(step) for step in case.trace.steps[_beyond(case)][:1]]
    exact = case.trace.diverged_at
    return min(steps if exact is None else [*steps, exact])


def _below(case: Case, share: float) -> np.ndarray:
    if len(case.trace.steps) == 0:
        raise ValueError("a run that neither failed nor diverged has no evaluation")
    return ~(_coverage(case) >= share)


def _unlearned(case: Case) -> bool:
    share, quality = case.rules.learned_coverage, case.rules.learned_quality
    never = _below(case, share).all() and not _final_coverage(case) >= share
    return bool(never and not case.trace.final_high_quality >= quality * case.baseline.high_quality)


def _unlearned_onset(case: Case) -> int:
    poor = ~(
        case.trace.high_quality >= case.rules.learned_quality * case.baseline.curve_high_quality
    )
    return _since(case, _below(case, case.rules.learned_coverage) & poor)


def _vanished(case: Case, gradient: np.ndarray) -> bool:
    norms = case.trace.generator_gradient
    if len(gradient) == 0:
        return False
    start = np.median(norms[: max(1, len(norms) // 100)])
    # <=, so that a gradient of zero from the first step on has vanished too
    return bool(np.median(gradient) <= case.rules.saturated_gradient * start)


def _saturated(case: Case) -> bool:
    norms = case.trace.generator_gradient
    end = norms[-max(1, len(norms) // 10) :]
    return _vanished(case, end) and not _final_coverage(case) >= case.rules.saturated_coverage


def _saturated_onset(case: Case) -> int:
    between = np.split(case.trace.generator_gradient, case.trace.steps)[: len(case.trace.steps)]
    return _since(case, np.array([_vanished(case, norms) for norms in between]))


def _collapsed(case: Case) -> bool:
    return not _final_coverage(case) >= case.rules.collapsed_coverage


def _collapsed_onset(case: Case) -> int:
    return _since(case, _below(case, case.rules.collapsed_coverage))


def _oscillating(case: Case) -> bool:
    limit = case.baseline.jaccard + case.rules.oscillation_jaccard
    return oscillation(case.trace.covered) > limit


def _oscillating_onset(case: Case) -> int:
    return int(case.trace.steps[last_third(len(case.trace.steps))])


def _always(case: Case) -> bool:
    return True


#: The first whose rule holds is the run's status.
STATUSES = (
    Status("failed", _failed, _never, finished=False),
    Status("diverged", _diverged, _diverged_onset, finished=False),
    Status("unlearned", _unlearned, _unlearned_onset),
    Status("saturated", _saturated, _saturated_onset),
    Status("collapsed", _collapsed, _collapsed_onset),
    Status("oscillating", _oscillating, _oscillating_onset),
    Status("ok", _always, _never),
)

#: What leaves no scores behind.
UNFINISHED = tuple(status.name for status in STATUSES if not status.finished)
