"""From runs to the leaderboard: one row per task, method and hyperparameters."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ganbench.diagnostics.outcome import STATUSES, UNFINISHED
from ganbench.errors import BadInput
from ganbench.intervals import interval
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.plan import ROW
from ganbench.power import ALPHA, least_separable, seeds_needed, separable
from ganbench.statistics import Interval, clopper_pearson, fisher, holm

_KEY = ["schema", *ROW]
_RANKS = ["rank", "rank_low", "rank_high", "seeds_to_next"]
_STATUS_COUNTS = [f"n_{status.name}" for status in STATUSES]
_SAME = ["protocol_hash", "judge_hash"]
_COST_MAX = ["cost_compile_s", "cost_trace_s"]
_COST_MEDIAN = ["cost_ms_per_step_lane", "cost_flops_per_step"]
_NEEDED = [
    *_KEY,
    *("status", "success", *METRICS, "steps_to_90", "samples"),
    *(*_SAME, *_COST_MAX, *_COST_MEDIAN),
]


_INTEGERS = [*_RANKS, "n", "successes", *_STATUS_COUNTS, "samples"]


def columns(scores: Iterable[str]) -> list[str]:
    """The columns of a leaderboard of `scores`, in their order."""
    return [
        *_KEY,
        *_RANKS,
        *("n", "successes", "success_rate", "success_low", "success_high"),
        *_STATUS_COUNTS,
        *(f"{score}_{part}" for score in scores for part in Interval._fields),
        *("steps_to_90_median", "samples"),
        *(*_SAME, *_COST_MAX, *_COST_MEDIAN),
    ]


COLUMNS = columns(METRICS)


def leaderboard(runs: pd.DataFrame, reference: Sequence[str] = ()) -> pd.DataFrame:
    """The leaderboard: `columns` of the metrics and of those in `OPTIONAL` that the runs have.

    A value that is undefined is null.

    Tasks in order of first appearance; in each the `reference` methods first, neither ranked nor
    tested, then the others by success rate. Equal rates share a rank and stand in order of their
    median steps to 90 % coverage, then of their names. `rank_low` and `rank_high` bound the rank:
    1 + the rows that are significantly better, and the number of rows less those significantly
    worse (two-sided Fisher exact tests between all pairs of a task, Holm-adjusted, 0.05).
    `seeds_to_next` is how many seeds on either side give one such test, unadjusted, 80 % power to
    tell the row's rate from the next lower one, were the rates seen the true ones: null in the
    last rank, and where more than 1,000 would be needed.

    Every run counts in `n`, whatever became of it. A score's mean is over the runs that have one
    (`<score>_n`); a failed or diverged run has none. Rates have Clopper-Pearson intervals, at
    95 %. So have scores, of the kind that `ganbench.intervals` has found to cover, or null where
    none does. Times to compile and trace are the largest, other costs the median.

    Args:
        runs: one row per run, with a column for each metric. Others than those used are ignored.
        reference: methods that stand for data or noise, in the order of their rows.

    Raises:
        BadInput: a column is missing, or a task's runs come from different protocols or judges.
    """
    missing = [column for column in _NEEDED if column not in runs]
    if missing:
        raise BadInput(f"runs: no column {', '.join(missing)}")
    scores = [*METRICS, *(name for name in OPTIONAL if name in runs)]
    tables = [_task(part, reference, scores) for _, part in runs.groupby("task", sort=False)]
    frame = pd.DataFrame([row for rows in tables for row in rows], columns=columns(scores))
    return frame.astype(dict.fromkeys([*_INTEGERS, *(f"{s}_n" for s in scores)], "Int64"))


def caution(rows: pd.DataFrame) -> str | None:
    """What one task's n cannot tell apart, in one line; None if it tells all neighbours apart.

    Neighbours are two ranks that follow each other. They are told apart where the rows of the lower
    are significantly worse than all above them. Where n of n against 0 of n is not significant
    among so many tests, no two rows can be told apart whatever comes out.

    Args:
        rows: a task's part of a leaderboard, as it is or as an older version has written it.
    """
    ranked = rows[rows["rank"].notna()].sort_values("rank")
    heads = ranked.drop_duplicates("rank")
    n, most = sorted(set(ranked["n"])), len(ranked)
    pairs = most * (most - 1) // 2
    if not pairs:
        return None
    seeds = f"n = {n[0]}" if len(n) == 1 else f"n = {n[0]} to {n[-1]}"
    apart = (ranked["rank_low"] == ranked["rank"]).groupby(ranked["rank"]).all().to_numpy()[1:]
    possible = separable(int(n[-1]), pairs)
    if apart.all() and possible:
        return None
    said = f"{seeds} tells apart {apart.sum()} of {len(apart)} neighbouring ranks"
    if not possible:
        tests = f"{pairs:,} {'tests take' if pairs > 1 else 'test takes'}"
        said = (
            f"{seeds} can tell no two of {most} rows apart ({tests} n = {least_separable(pairs)})"
        )
    if apart.all():
        return said
    first = int(apart.argmin())
    above, below = heads["success_rate"].iloc[first : first + 2]
    needed = seeds_needed(float(above), float(below))
    takes = f"{above:.2f} from {below:.2f} takes {needed or 'over 1,000'} seeds a row"
    return f"{said}; {takes} (80 % power, one test)"


def _task(runs: pd.DataFrame, reference: Sequence[str], scores: Sequence[str]) -> list[dict]:
    for column in _SAME:
        if runs[column].nunique() > 1:
            raise BadInput(f"runs: task {runs['task'].iloc[0]} has more than one {column}")
    rows = [_row(part, scores) for _, part in runs.groupby(_KEY, sort=False, dropna=False)]
    fixed = [row for name in reference for row in rows if row["method"] == name]
    ranked = [row for row in rows if row["method"] not in reference]
    return fixed + _rank(ranked)


def _row(runs: pd.DataFrame, scores: Sequence[str]) -> dict:
    n, successes = len(runs), int(runs["success"].eq(True).sum())
    low, high = clopper_pearson(successes, n)
    first = runs.iloc[0]
    row = {column: first[column] for column in _KEY}
    row |= dict.fromkeys(_RANKS)
    row |= {"n": n, "successes": successes, "success_rate": successes / n}
    row |= {"success_low": low, "success_high": high}
    row |= {f"n_{s.name}": int(runs["status"].eq(s.name).sum()) for s in STATUSES}
    scored = runs[~runs["status"].isin(UNFINISHED)]
    for score in scores:
        values = scored[score].to_numpy(np.float64, na_value=np.nan)
        found = interval(score, values, first["task"])
        row |= {f"{score}_{part}": value for part, value in found._asdict().items()}
    steps = runs["steps_to_90"].to_numpy(np.float64, na_value=np.inf)  # null: never, too
    row["steps_to_90_median"] = float(np.median(steps))
    row["samples"] = runs["samples"].max()
    row |= {column: first[column] for column in _SAME}
    row |= {column: runs[column].max() for column in _COST_MAX}
    return row | {column: runs[column].median() for column in _COST_MEDIAN}


def _rank(rows: list[dict]) -> list[dict]:
    """`rows` in their order, with their ranks."""
    rates = np.array([row["success_rate"] for row in rows])
    beats = _beats(rows)
    distinct = sorted(set(rates.tolist()))
    to_next = {
        above: seeds_needed(above, below)
        for below, above in zip(distinct, distinct[1:], strict=False)
    }
    ranked = [
        row
        | {
            "rank": 1 + int((rates > row["success_rate"]).sum()),
            "rank_low": 1 + int(beats[:, i].sum()),
            "rank_high": len(rows) - int(beats[i].sum()),
            "seeds_to_next": to_next.get(row["success_rate"]),
        }
        for i, row in enumerate(rows)
    ]
    return sorted(
        ranked,
        key=lambda row: (
            row["rank"],
            row["steps_to_90_median"],
            row["method"],
            str(row["hyperparameters"]),
        ),
    )


def _beats(rows: list[dict]) -> np.ndarray:
    """(rows, rows) bool: whether one row's rate is significantly above another's."""
    pairs = list(combinations(range(len(rows)), 2))
    results = [(row["successes"], row["n"]) for row in rows]
    adjusted = holm([fisher(results[i], results[j]) for i, j in pairs])
    beats = np.zeros((len(rows), len(rows)), bool)
    for (i, j), p in zip(pairs, adjusted, strict=True):
        better, worse = (i, j) if rows[i]["success_rate"] > rows[j]["success_rate"] else (j, i)
        beats[better, worse] = p <= ALPHA
    return beats
