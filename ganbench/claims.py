"""Whether what a paper claims came out: an ordering or a bound, never an equality."""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from ganbench.box import shape_of
from ganbench.effect import Effect, expected, rise
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.plan import RUN, Group
from ganbench.registry import canonical_name
from ganbench.schema import ClaimTable, RowTable
from ganbench.statistics import share_interval

MARGIN = 0.33  # the delta from which on effects are called medium (Romano et al. 2006, recalled)
MOST_RUNS = 10_000
LIKELY = 0.8  # chance of a verdict at the n that is named, as experiments are usually planned for
LEAST_RUNS = 4  # of fewer in a row "not reproduced" comes out too often


class Verdict(NamedTuple):
    """What became of a claim.

    `reproduced`: the interval of delta lies above 0, or that of a rate within the bound. `not
    reproduced`: that of delta holds 0 or less and no effect of `MARGIN` or more, or that of the
    rate lies beyond the bound. `inconclusive`: neither, with `n`, the runs a row of which, drawn
    anew, four in five such experiments would settle it were what was seen the truth, one way or the
    other: of a small effect enough runs may say either that it is there or that it is not medium.
    Inconclusive too, whatever the interval, is what scores the same in every run of both rows, at a
    floor or a ceiling.
    `unfinished`: a planned run of these rows is missing, or was stopped by the program. Runs beyond
    those planned, of more seeds or another base seed, count.

    Of more than two rows each must lie above the one before it: what is said is that of the least
    such step, and one that is not reproduced outweighs any that is open. `n` settles all of them,
    taken for independent; but of two steps a row is both the upper and the lower one.
    """

    verdict: str
    effect: str  # what was measured
    observed: float
    low: float
    high: float
    runs: int  # of the row that has fewest; shapes of nets, where runs have such
    n: int | None  # at most `MOST_RUNS`; None where it takes more
    chance_reproduced: float | None = None  # of the verdicts at `n`
    chance_not: float | None = None


class Values(NamedTuple):
    """A metric of a row's runs."""

    scores: np.ndarray  # of every run that was not stopped; the worst where it has none
    known: np.ndarray  # bool: which of them have one
    shapes: np.ndarray  # of the nets of each run in `scores`
    statuses: np.ndarray  # how each of them ended
    planned: int
    missing: int  # of those planned: not there, or stopped

    def nets(self) -> int:
        """How many shapes of nets the runs have."""
        return len(np.unique(self.shapes))

    def apart(self) -> int:
        """How many runs an interval of a share takes them for: shapes, where there are several."""
        return self.nets() if self.nets() > 1 else len(self.scores)


def planned(groups: Iterable[Group]) -> pd.DataFrame:
    """The runs that a suite asks for: what tells each from all others."""
    made = [cell.known_by() for group in groups for cell in group.cells]
    return pd.DataFrame(made, columns=RUN)


def verdict(claim: ClaimTable, rows: Sequence[Values]) -> Verdict:
    """The verdict on `claim` from the `values` of its rows."""
    least = min(len(row.scores) for row in rows)
    if any(row.missing for row in rows) or least < LEAST_RUNS:
        nan = float("nan")
        return Verdict("unfinished", "nothing", nan, nan, nan, least, None)
    if len(rows) == 1:
        return _bounded(claim, rows[0])
    return _ordered([_step(*pair) for pair in pairwise(rows)])


def values(
    runs: pd.DataFrame, asked: pd.DataFrame, task: str, row: RowTable, metric: str
) -> Values:
    """The metric of every run of a row: of all its points, if its task has a box.

    A run without a score, which diverged or drew nothing that can be scored, counts as the worst
    there can be: left out it would leave the better ones to speak for all.

    Args:
        runs: rows of `runs.csv`; `asked` are those that were `planned`.
    """
    found = runs[selected(runs, task, row) & runs["status"].ne("failed").to_numpy()]
    shapes = np.array([shape_of(json.loads(text)) for text in found["hyperparameters"]], str)
    wanted, there = _known_by(asked[selected(asked, task, row)]), _known_by(found)
    rest = shapes, found["status"].to_numpy(), len(wanted), len(wanted - there)
    if metric == "success":
        made = found["success"].eq(True).to_numpy(np.float64)
        return Values(made, np.ones(len(made), bool), *rest)
    # runs that were all stopped have no column of a score that a suite asks for beside
    scores = found.get(metric, pd.Series(np.nan, found.index)).to_numpy(np.float64, na_value=np.nan)
    none = np.isnan(scores)
    filled = np.where(none, worst(metric), scores)
    return Values(filled, ~none, *rest)


def _known_by(runs: pd.DataFrame) -> set[tuple[Any, ...]]:
    return set(runs[RUN].itertuples(index=False, name=None))


def worst(metric: str) -> float:
    """The worst value that a metric can have."""
    known = METRICS[metric] if metric in METRICS else OPTIONAL[metric]
    return float("inf") if known.better == "lower" else known.least


def selected(runs: pd.DataFrame, task: str, row: RowTable) -> np.ndarray:
    """(runs,) bool: which of them are of a row."""
    name, wanted = canonical_name(row.method), row.hyperparameters

    def holds(of: str, method: str, text: str) -> bool:
        own = json.loads(text)
        return (of, method) == (task, name) and all(own.get(k) == v for k, v in wanted.items())

    keys = zip(runs["task"], runs["method"], runs["hyperparameters"], strict=True)
    return np.array([holds(*key) for key in keys], bool)


def named(row: RowTable) -> str:
    """A row as a table names it."""
    own = ", ".join(f"{k} = {v}" for k, v in row.hyperparameters.items())
    return f"{row.method} ({own})" if own else row.method


_ORDER = ("not reproduced", "inconclusive", "reproduced")  # the first of them in any step stands


class _Step(NamedTuple):
    """How far one row lies above another."""

    effect: Effect
    flat: bool  # every run of both scores the same, at a floor or a ceiling

    @property
    def told(self) -> str:
        return "inconclusive" if self.flat else _told(self.effect)


def _step(before: Values, after: Values) -> _Step:
    shapes = before.shapes, after.shapes
    nets = len(np.unique(np.concatenate(shapes)))
    # runs of one shape have their nets in common; where there is but one, runs are all there is
    effect = rise(before.scores, after.scores, shapes if nets > 1 else None)
    return _Step(effect, len(np.unique(np.concatenate([before.scores, after.scores]))) == 1)


def _told(effect: Effect) -> str:
    if effect.low > 0:
        return "reproduced"
    return "not reproduced" if effect.high < MARGIN else "inconclusive"


def _ordered(steps: Sequence[_Step]) -> Verdict:
    least = min(steps, key=lambda step: (_ORDER.index(step.told), step.effect.delta))
    delta, low, high, runs, *_ = least.effect

    def chances(n: int) -> tuple[float, float]:
        """That each step is reproduced, and that one of them is not."""
        if any(step.flat for step in steps):
            return 0.0, 0.0
        made = [[_told(x) for x in expected(step.effect, n)] for step in steps]
        above, below = (
            np.array([own.count(told) / len(own) for own in made])
            for told in ("reproduced", "not reproduced")
        )
        return float(above.prod()), float(1 - (1 - below).prod())

    needed = _SETTLED
    if least.told == "inconclusive":
        needed = _settling(chances, max(step.effect.n for step in steps))
    what = "every run scores the same, delta" if least.flat else "delta"
    return Verdict(least.told, what, delta, low, high, runs, *needed)


Needed = tuple[int, float, float] | tuple[None, None, None]
_SETTLED: Needed = (None, None, None)


def _settling(chances: Callable[[int], tuple[float, float]], n: int) -> Needed:
    """A number of runs, `n` or more, with whose `chances` one of two verdicts is `LIKELY`, and
    these; Nones if `MOST_RUNS` have less. It is the least one where the sum grows: that of a bound
    goes in saw teeth.
    """
    if sum(chances(MOST_RUNS)) < LIKELY:
        return _SETTLED
    found = bisect_left(range(MOST_RUNS), LIKELY, lo=n, key=lambda n: sum(chances(n)))
    return found, *chances(found)


def _bounded(claim: ClaimTable, row: Values) -> Verdict:
    rate, n = float(row.scores.mean()), row.apart()

    def within(rate: ArrayLike, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Whether the interval lies within the bound, and whether beyond it."""
        low, high = share_interval(rate, n)
        if claim.at_least is not None:
            return low >= claim.at_least, high < claim.at_least
        return high <= (claim.at_most or 0), low > (claim.at_most or 0)

    def chances(n: int) -> tuple[float, float]:
        hits = np.arange(n + 1)
        inside, outside = (stats.binom.pmf(hits, n, rate) @ own for own in within(hits / n, n))
        return float(inside), float(outside)

    inside, outside = within(rate, n)
    low, high = map(float, share_interval(rate, n))
    told = "reproduced" if inside else "not reproduced" if outside else "inconclusive"
    needed = _settling(chances, n) if told == "inconclusive" else _SETTLED
    return Verdict(told, "success rate", rate, low, high, n, *needed)
