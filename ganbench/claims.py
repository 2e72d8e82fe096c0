"""Whether what a paper claims came out: an ordering or a bound, never an equality."""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd

from ganbench.diagnostics.outcome import UNFINISHED
from ganbench.effect import Effect, rise, with_runs
from ganbench.errors import BadInput
from ganbench.registry import canonical_name
from ganbench.schema import ClaimTable, RowTable
from ganbench.statistics import clopper_pearson

MARGIN = 0.33  # a delta below it is too little to claim: about the least that is called medium
MOST_RUNS = 10_000
#: What a run without samples counts as, where papers count all their runs.
WITHOUT = {"modes": 0.0, "modes_any": 0.0, "inception_score": 1.0, "mode_score": 0.0}


class Verdict(NamedTuple):
    """What became of a claim.

    `reproduced`: the interval is on the claim's side; `not reproduced`: it leaves no more than
    `MARGIN` of the claim, or is on the other side of the bound; `inconclusive`: neither, with `n`,
    the runs a row that would settle it were what was seen the truth.
    """

    verdict: str
    effect: str  # what was measured
    observed: float
    low: float
    high: float
    runs: int  # of the row that has fewest
    n: int | None


def verdict(claim: ClaimTable, runs: pd.DataFrame) -> Verdict:
    """The verdict on `claim` from the rows of `runs.csv`.

    Raises:
        BadInput: a row of the claim has no runs, or fewer than two.
    """
    own = runs[runs["task"] == claim.task]
    rows = [values(own, row, claim.metric) for row in claim.rows]
    for row, found in zip(claim.rows, rows, strict=True):
        if len(found) < 2:
            raise BadInput(f"claim {claim.says!r}: {len(found)} runs of {named(row)}, 2 needed")
    return _ordered(rows) if len(rows) > 1 else _bounded(claim, rows[0])


def values(runs: pd.DataFrame, row: RowTable, metric: str) -> np.ndarray:
    """The metric of every run of a row: all its points, if it is a box's.

    A run without samples has no score; it is the worst of all in `WITHOUT`, and left out elsewhere.
    """
    found = runs[selected(runs, row)]
    if metric == "success":
        return found["success"].eq(True).to_numpy(np.float64)
    made = found[metric].astype(float).mask(found["status"].isin(UNFINISHED), WITHOUT.get(metric))
    return made.dropna().to_numpy()


def selected(runs: pd.DataFrame, row: RowTable) -> np.ndarray:
    """Which runs are of a row."""
    name, wanted = canonical_name(row.method), row.hyperparameters

    def holds(method: str, text: str) -> bool:
        own = json.loads(text)
        return method == name and all(own.get(k) == v for k, v in wanted.items())

    pairs = zip(runs["method"], runs["hyperparameters"], strict=True)
    return np.array([holds(method, text) for method, text in pairs], bool)


def named(row: RowTable) -> str:
    """A row as a table names it."""
    own = ", ".join(f"{k} = {v}" for k, v in row.hyperparameters.items())
    return f"{row.method} ({own})" if own else row.method


def _ordered(rows: list[np.ndarray]) -> Verdict:
    effect = rise(rows)
    ends = effect.delta, effect.low, effect.high, effect.n
    if _settled(effect):
        told = "reproduced" if effect.low > 0 else "not reproduced"
        return Verdict(told, "delta", *ends, None)
    more = range(effect.n + 1, MOST_RUNS)
    needed = next((n for n in more if _settled(with_runs(effect, n))), None)
    return Verdict("inconclusive", "delta", *ends, needed)


def _settled(effect: Effect) -> bool:
    return effect.low > 0 or effect.high < MARGIN


def _bounded(claim: ClaimTable, row: np.ndarray) -> Verdict:
    n, rate = len(row), float(row.mean())
    low, high = clopper_pearson(int(row.sum()), n)
    made = Verdict("", "success rate", rate, low, high, n, None)
    least, most = claim.at_least, claim.at_most
    inside = low >= least if least is not None else high <= (most or 0)
    outside = high < least if least is not None else low > (most or 0)
    if inside or outside:
        return made._replace(verdict="reproduced" if inside else "not reproduced")
    bound = least if least is not None else most or 0
    return made._replace(verdict="inconclusive", n=_settling(rate, bound, n))


def _settling(rate: float, bound: float, n: int) -> int | None:
    """The least number of runs whose exact interval at `rate` leaves out `bound`; None if none."""

    def settles(n: int) -> bool:
        low, high = clopper_pearson(round(rate * n), n)
        return not low <= bound <= high

    return next((m for m in range(n + 1, MOST_RUNS) if settles(m)), None)
