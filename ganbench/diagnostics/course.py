"""How a game of two numbers ended: by the distance of the players' point from the equilibrium."""

import numpy as np

from ganbench.diagnostics.outcome import STATUSES as OF_SAMPLES
from ganbench.diagnostics.outcome import Case, Status, last_third

KEPT = 0.2  # an orbit keeps its radius within a fifth
NEAR_SHARE = 0.5  # of high quality at the end: all samples are the one point
RULES = f"ok from {NEAR_SHARE} of high quality; oscillating within {KEPT}; else unlearned"


def _radius(case: Case) -> np.ndarray:
    """(E,): up to a constant, which no rule feels."""
    return case.trace.sample_rms


def _converged(case: Case) -> bool:
    return bool(case.trace.final_high_quality >= NEAR_SHARE)


def _orbits(case: Case) -> bool:
    last = _radius(case)[last_third(len(case.trace.steps)) :]
    return bool(len(last) > 1 and last.max() <= (1 + KEPT) * last.min())


def _orbit_onset(case: Case) -> int:
    return int(case.trace.steps[last_third(len(case.trace.steps))])


def _first(case: Case) -> int:
    return int(case.trace.steps[0])


_SHARED = {status.name: status for status in OF_SAMPLES}

#: The first whose rule holds. `ok`: the point is within 0.1 of the equilibrium at the end.
#: `oscillating`: it keeps its distance within 20 % through the last third. `diverged`: more than
#: 1,000 times the start's. `unlearned`: none of these, still on its way in or out.
STATUSES = (
    _SHARED["failed"],
    _SHARED["diverged"],
    Status("ok", _converged, lambda case: None),
    Status("oscillating", _orbits, _orbit_onset),
    Status("unlearned", lambda case: True, _first),
)
