"""How a method does over a box of hyperparameters: what to expect of it before it is tuned."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaln

from ganbench.diagnostics.outcome import UNFINISHED
from ganbench.errors import BadInput
from ganbench.registry import kinds
from ganbench.results import Results
from ganbench.statistics import clopper_pearson

TRIALS = (1, 2, 4, 8, 16, 32, 64)
THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(21))  # of the coverage, in a profile
RESAMPLES = 1999


def robustness(runs: pd.DataFrame, boxed: Sequence[str], reference: Sequence[str]) -> pd.DataFrame:
    """One row per task with a box and method: what share of the box x seeds succeeds, and the best
    coverage to expect of so many trials.

    `success_rate` is over all runs of all points; its 95 % interval is Clopper and Pearson's where
    each point has one run, else that of resampled points. `best_of_N` is the expected coverage (the
    share of `real`'s modes, 0 for a run without samples) of the best of N runs drawn from these
    without repetition, its interval over resampled points; null where there are fewer than N runs.

    Args:
        runs: rows of `runs.csv`.
        boxed: the tasks that have a box.
        reference: methods that are tried at no point of it.

    Raises:
        BadInput: no task has a box.

    References: Dodge et al., "Show Your Work", EMNLP 2019, arXiv 1909.03004, for the expected best;
    Lucic et al., "Are GANs Created Equal?", NeurIPS 2018, arXiv 1711.10337, for boxes of GANs.
    """
    own = runs[runs["task"].isin(list(boxed)) & ~runs["method"].isin(list(reference))]
    if own.empty:
        raise BadInput("robustness: no task of these results has a box of hyperparameters")
    return pd.DataFrame(
        [_row(str(t), str(m), part) for (t, m), part in own.groupby(["task", "method"], sort=False)]
    )


def robustness_of(results: Results) -> pd.DataFrame:
    """`robustness` of a results folder's tasks with a box."""
    return robustness(results.runs, results.boxed(), kinds("reference"))


def profile(runs: pd.DataFrame, boxed: Sequence[str], reference: Sequence[str]) -> pd.DataFrame:
    """The performance profile: what share of a method's runs covers at least so much.

    Rows of task, method, threshold, share and its Clopper-Pearson interval.
    """
    own = runs[runs["task"].isin(list(boxed)) & ~runs["method"].isin(list(reference))]
    return pd.DataFrame(
        [
            {
                "task": task,
                "method": method,
                "threshold": at,
                "share": share,
                "low": low,
                "high": high,
            }
            for (task, method), part in own.groupby(["task", "method"], sort=False)
            for at, share, low, high in _profile(_coverage(part))
        ]
    )


def expected_best(values: np.ndarray, trials: int) -> float:
    """The mean of the largest of `trials` of the values, over all choices without repetition.

    Formula: sum over i of x_(i) C(i - 1, trials - 1) / C(n, trials), x_(i) the i-th smallest.
    """
    n, i = len(values), np.arange(trials, len(values) + 1)
    weights = np.exp(_choices(i - 1, trials - 1) - _choices(np.array(n), trials))
    return float(np.sort(values)[trials - 1 :] @ weights)


def _choices(n: np.ndarray, k: int) -> np.ndarray:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def _coverage(runs: pd.DataFrame) -> np.ndarray:
    return runs["coverage"].astype(float).mask(runs["status"].isin(UNFINISHED), 0.0).to_numpy()


def _row(task: str, method: str, runs: pd.DataFrame) -> dict[str, Any]:
    points = runs["hyperparameters"].astype("category").cat.codes.to_numpy()
    success = runs["success"].eq(True).to_numpy(float)
    n, covered = len(runs), _coverage(runs)
    drawn = list(_resampled(points))
    if len(set(points)) == n:
        low, high = clopper_pearson(int(success.sum()), n)
    else:
        low, high = np.quantile([success[i].mean() for i in drawn], (0.025, 0.975))
    made: dict[str, Any] = {"task": task, "method": method, "points": len(set(points)), "n": n}
    made |= {"success_rate": success.mean(), "success_low": low, "success_high": high}
    for trials in TRIALS:
        name, known = f"best_of_{trials}", trials <= n
        best = (
            [expected_best(covered[i], min(trials, len(i))) for i in drawn] if known else [np.nan]
        )
        made |= {name: expected_best(covered, trials) if known else np.nan}
        made |= {f"{name}_low": np.quantile(best, 0.025), f"{name}_high": np.quantile(best, 0.975)}
    return made


def _resampled(points: np.ndarray) -> Iterator[np.ndarray]:
    """The runs of as many points as there are, drawn with repetition, again and again."""
    runs = [np.flatnonzero(points == point) for point in np.unique(points)]
    rng = np.random.default_rng(0)
    for _ in range(RESAMPLES):
        yield np.concatenate([runs[i] for i in rng.integers(len(runs), size=len(runs))])


def _profile(covered: np.ndarray) -> Iterator[tuple[float, float, float, float]]:
    for at in THRESHOLDS:
        reached = int((covered >= at).sum())
        yield (at, reached / len(covered), *clopper_pearson(reached, len(covered)))
