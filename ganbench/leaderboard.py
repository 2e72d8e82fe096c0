"""From runs to the leaderboard: one row per task, method and hyperparameters."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ganbench.diagnostics.outcome import STATUSES, UNFINISHED
from ganbench.errors import BadInput
from ganbench.metrics.catalogue import METRICS
from ganbench.statistics import clopper_pearson, fisher, holm, t_interval

ALPHA = 0.05

_KEY = ["schema", "task", "method", "hyperparameters"]
_RANKS = ["rank", "rank_low", "rank_high"]
_STATUS_COUNTS = [f"n_{status.name}" for status in STATUSES]
_SAME = ["protocol_hash", "judge_hash"]
_COST_MAX = ["cost_compile_s", "cost_trace_s"]
_COST_MEDIAN = ["cost_ms_per_step_lane", "cost_flops_per_step"]
_NEEDED = [
    *_KEY,
    *("status", "success", *METRICS, "steps_to_90", "samples"),
    *(*_SAME, *_COST_MAX, *_COST_MEDIAN),
]

COLUMNS = [
    *_KEY,
    *_RANKS,
    *("n", "successes", "success_rate", "success_low", "success_high"),
    *_STATUS_COUNTS,
    *(f"{metric}_{part}" for metric in METRICS for part in ("mean", "low", "high", "n")),
    *("steps_to_90_median", "samples"),
    *(*_SAME, *_COST_MAX, *_COST_MEDIAN),
]

_INTEGERS = [
    *_RANKS,
    *("n", "successes", *_STATUS_COUNTS, *(f"{metric}_n" for metric in METRICS), "samples"),
]


def leaderboard(runs: pd.DataFrame, reference: Sequence[str] = ()) -> pd.DataFrame:
    """The leaderboard, with the columns `COLUMNS`; null where a value is undefined.

    Tasks in order of first appearance; in each the `reference` methods first, neither ranked nor
    tested, then the others by success rate. Equal rates share a rank and stand in order of their
    median steps to 90 % coverage, then of their names. `rank_low` and `rank_high` bound the rank:
    1 + the rows that are significantly better, and the number of rows less those significantly
    worse (two-sided Fisher exact tests between all pairs of a task, Holm-adjusted, 0.05).

    Every run counts in `n`, whatever became of it. A score's mean is over the runs that have one
    (`<score>_n`); a failed or diverged run has none. Rates have Clopper-Pearson intervals, scores
    Student's t, both at 95 %. Times to compile and trace are the largest, other costs the median.

    Args:
        runs: one row per run, with a column for each metric. Others than those used are ignored.
        reference: methods that stand for data or noise, in the order of their rows.

    Raises:
        BadInput: a column is missing, or a task's runs come from different protocols or judges.
    """
    missing = [column for column in _NEEDED if column not in runs]
    if missing:
        raise BadInput(f"runs: no column {', '.join(missing)}")
    tables = [_task(part, reference) for _, part in runs.groupby("task", sort=False)]
    frame = pd.DataFrame([row for rows in tables for row in rows], columns=COLUMNS)
    return frame.astype(dict.fromkeys(_INTEGERS, "Int64"))


def _task(runs: pd.DataFrame, reference: Sequence[str]) -> list[dict]:
    for column in _SAME:
        if runs[column].nunique() > 1:
            raise BadInput(f"runs: task {runs['task'].iloc[0]} has more than one {column}")
    rows = [_row(part) for _, part in runs.groupby(_KEY, sort=False, dropna=False)]
    fixed = [row for name in reference for row in rows if row["method"] == name]
    ranked = [row for row in rows if row["method"] not in reference]
    return fixed + _rank(ranked)


def _row(runs: pd.DataFrame) -> dict:
    n, successes = len(runs), int(runs["success"].eq(True).sum())
    low, high = clopper_pearson(successes, n)
    first = runs.iloc[0]
    row = {column: first[column] for column in _KEY}
    row |= dict.fromkeys(_RANKS)
    row |= {"n": n, "successes": successes, "success_rate": successes / n}
    row |= {"success_low": low, "success_high": high}
    row |= {f"n_{s.name}": int(runs["status"].eq(s.name).sum()) for s in STATUSES}
    scored = runs[~runs["status"].isin(UNFINISHED)]
    for metric in METRICS:
        interval = t_interval(scored[metric].to_numpy(np.float64, na_value=np.nan))
        row |= {f"{metric}_{part}": value for part, value in interval._asdict().items()}
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
    ranked = [
        row
        | {
            "rank": 1 + int((rates > row["success_rate"]).sum()),
            "rank_low": 1 + int(beats[:, i].sum()),
            "rank_high": len(rows) - int(beats[i].sum()),
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
