"""Two leaderboards: what has changed from A to B, row by row."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.comparable import Terms, agreed, told
from ganbench.errors import BadInput
from ganbench.exact import Tested, paired, shuffled, unpaired
from ganbench.plan import ROW
from ganbench.power import ALPHA, check_alpha
from ganbench.sides import SUCCESS, Estimate, Row, Side, rows
from ganbench.statistics import difference, holm

#: verdict -> what it says of a row
VERDICTS = {
    "regressed": "succeeds less often: p, Holm-adjusted within its task, is at most alpha",
    "improved": "succeeds more often, by the same test",
    "inconclusive": "neither",
    "underpowered": "neither, and no result could have been significant at this n",
    "new": "in B alone",
    "gone": "in A alone",
}
TESTED = ["verdict", "test", "p", "p_holm", "n_needed"]
PARTS = ("a", "b", "difference", "low", "high")
SHAPED = " by shape"  # how the tests of a box are called
FINEST = 20_000  # parts that a share may be counted in
TIE = 1e-9  # relative: a p of exactly alpha is one, however it is rounded
UNKNOWN: Estimate = (np.nan, np.nan, np.nan)


class Comparison(NamedTuple):
    """A row for each row of either leaderboard, and what may not be compared."""

    rows: pd.DataFrame
    notes: tuple[str, ...]
    alpha: float

    def regressed(self) -> bool:
        """Whether any row did."""
        return bool(self.rows["verdict"].eq("regressed").any())


def compare(a: Side, b: Side, alpha: float = ALPHA, force: bool = False) -> Comparison:
    """Every row of two results: what B has, less what A has.

    The verdict rests on the share of successes alone: an exact test of each row that both have,
    Holm-adjusted within its task. Where both sides' runs are at hand and of the same base seeds and
    replicates they are pairs (`exact.paired`, McNemar's test), else not (Fisher's). Rows of
    reference (`real`, ...) are left out. A task with a box has a row a method, not a point, and its
    tests count shapes, not runs, which have their nets in common. `n_needed` is the least n of an
    underpowered row at which one result could be significant.

    Of success and every score there are both means and their difference with the interval that
    theirs give (`statistics.difference`), at 95 % whatever `alpha` is and unadjusted; null where
    either has none. Of pairs it is wider than it had to be.

    Args:
        alpha: of the verdicts; from 1e-12 and below 1.
        force: compare what can be compared of tasks whose protocols differ.

    Raises:
        BadInput: no row in common, or a task that may not be compared (`comparable.agreed`).
    """
    check_alpha(alpha)
    terms = agreed(a, b, force)
    notes = tuple(_note(task, own) for task, own in terms.items() if own.differing)
    if not any(own.scores for own in terms.values()):
        raise BadInput(f"{a.where} and {b.where}: {'; '.join(notes)}")
    tasks = dict.fromkeys([*a.board["task"], *b.board["task"]])
    made = [row for task in tasks for row in _task(task, a, b, terms.get(task), alpha)]
    if not any(row["n_a"] and row["n_b"] for row in made):
        raise BadInput(f"{a.where} and {b.where}: no row in common")
    last = dict.fromkeys(name for row in made for name in row)
    frame = pd.DataFrame(made, columns=list(last)).astype({"n_needed": "Int64"})
    return Comparison(frame, notes, alpha)


def _note(task: str, terms: Terms) -> str:
    held = "all" if terms.success else "scores, not success," if terms.scores else "nothing"
    return f"task {task}: {held} compared, because of {'; '.join(map(told, terms.differing))}"


def _task(
    task: str, a: Side, b: Side, terms: Terms | None, alpha: float
) -> Iterator[dict[str, Any]]:
    before, after = dict(rows(a, task)), dict(rows(b, task))
    both = [key for key in before if key in after]
    tested = terms is not None and terms.success
    tests = {key: _test(before[key], after[key]) for key in both if tested}
    found = dict(zip(tests, judged(list(tests.values()), alpha), strict=True))
    for key, own in found.items():
        own["test"] += SHAPED if before[key].shaped else ""
    for key in dict.fromkeys([*before, *after]):
        x, y = before.get(key), after.get(key)
        row = dict(zip(ROW, (task, *key), strict=True)) | dict.fromkeys(TESTED)
        row["verdict"] = None if x and y else "gone" if x else "new"
        row |= {"n_a": x.n if x else 0, "n_b": y.n if y else 0}
        yield row | found.get(key, {}) | dict(_estimates(x, y, terms))


def _test(a: Row, b: Row) -> Tested:
    """The test of a row: of pairs where the same was run, else of two samples."""
    if a.ran and a.ran == b.ran:
        return paired([b.counts[key][0] - a.counts[key][0] for key in a.counts])
    if a.shaped:
        return shuffled(*_on_one_scale(a, b))
    return unpaired((a.successes, a.n), (b.successes, b.n))


def _on_one_scale(a: Row, b: Row) -> tuple[list[int], list[int]]:
    """Either side's share of successes of each shape, as whole numbers of one unit.

    Raises:
        BadInput: shapes of too many different numbers of runs, which some that were stopped make.
    """
    unit = math.lcm(*(n for row in (a, b) for _, n in row.counts.values()))
    if unit > FINEST:
        raise BadInput("shapes have too unlike numbers of runs to test: train those that failed")
    x, y = ([k * unit // n for k, n in row.counts.values()] for row in (a, b))
    return x, y


def judged(tests: Sequence[Tested], alpha: float) -> Iterator[dict[str, Any]]:
    """What Holm's adjustment makes of the tests of one task."""
    alpha *= 1 + TIE
    adjusted = holm([test.p for test in tests])
    possible = holm([test.least for test in tests]) <= alpha
    for test, p, could in zip(tests, adjusted, possible, strict=True):
        verdict = "inconclusive" if could else "underpowered"
        if p <= alpha:
            verdict = "improved" if test.rise > 0 else "regressed"
        yield {
            "verdict": verdict,
            "test": "paired" if test.paired else "unpaired",
            "p": test.p,
            "p_holm": float(p),
            "n_needed": None if could else test.needed(len(tests), alpha),
        }


def _estimates(a: Row | None, b: Row | None, terms: Terms | None) -> Iterator[tuple[str, float]]:
    """What is known of either, and of their difference where it means something."""
    names = dict.fromkeys([*(a.estimates if a else ()), *(b.estimates if b else ())])
    for name in names:
        one, other = (side.estimates.get(name, UNKNOWN) if side else UNKNOWN for side in (a, b))
        alike = terms is not None and (terms.success if name == SUCCESS else terms.scores)
        apart = difference(one, other) if alike else UNKNOWN
        values = (one[0], other[0], *apart)
        yield from zip((f"{name}_{part}" for part in PARTS), values, strict=True)
