"""How a method does over a box of hyperparameters: what to expect of it before it is tuned."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaln

from ganbench.box import method_of, shape_of
from ganbench.diagnostics.outcome import UNFINISHED
from ganbench.errors import BadInput
from ganbench.plan import ROW
from ganbench.registry import kinds
from ganbench.results import Results
from ganbench.statistics import share_interval

TRIALS = (1, 2, 4, 8, 16, 32, 64)
LEAST_POINTS = 4  # times as many points as trials, or the best of so many is the best of all
THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(21))  # of the coverage, in a profile


def robustness(runs: pd.DataFrame, boxed: Sequence[str], reference: Sequence[str]) -> pd.DataFrame:
    """What share of the box x seeds succeeds, and the best coverage to expect of so many trials:
    one row per task with a box, method and hyperparameters of the method's own.

    `success_rate` is over all runs of all points. `best_of_N` is the expected coverage (the share
    of `real`'s modes, 0 for a run without samples) of the best of N points, drawn without
    repetition, each with the mean coverage of its seeds; null where there are fewer than 4 N
    points. Points of one shape have their nets in common, and are no evidence apart: intervals,
    95 %, of shares are Clopper and Pearson's at as many runs as there are shapes (points where all
    have one shape), and with them as F's, at every x, those of
        E max of N = integral over x from 0 to 1 of 1 - F(x)^N, F the points' distribution.
    Both hold more often than they say: a resampled maximum never lies above the one seen, and held
    76 to 94 % of what it claimed to. Runs that the program stopped are left out.

    Args:
        runs: rows of `runs.csv`.
        boxed: the tasks that have a box.
        reference: methods that are tried at no point of it.

    Raises:
        BadInput: no task has a box with a run in it.

    References: Dodge et al., "Show Your Work", EMNLP 2019, arXiv 1909.03004, for the question
    (their formula draws with repetition); Lucic et al., "Are GANs Created Equal?", NeurIPS 2018,
    arXiv 1711.10337, for boxes of GANs.
    """
    made = [{**row, **_measured(part)} for row, part in by_method(runs, boxed, reference)]
    if not made:
        raise BadInput("robustness: these results hold no run in a box of hyperparameters")
    return pd.DataFrame(made)


def by_method(
    runs: pd.DataFrame, boxed: Sequence[str], reference: Sequence[str]
) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """The names and the runs of each row that `robustness` has."""
    wanted = runs["task"].isin(list(boxed)) & ~runs["method"].isin(list(reference))
    tried = runs[wanted & runs["status"].ne("failed")]
    own = tried["hyperparameters"].map(lambda text: method_of(json.loads(text)))
    for names, part in tried.groupby([tried["task"], tried["method"], own], sort=False):
        yield dict(zip(ROW, map(str, names), strict=True)), part


def robustness_of(results: Results) -> pd.DataFrame:
    """`robustness` of a results folder's tasks with a box.

    Raises:
        BadInput: as `robustness`; nothing says which tasks have one.
    """
    if not results.provenance:
        raise BadInput("robustness: no provenance.json here, which says what tasks have a box")
    return robustness(results.runs, results.boxed(), kinds("reference"))


def profile(runs: pd.DataFrame, boxed: Sequence[str], reference: Sequence[str]) -> pd.DataFrame:
    """The performance profile: what share of a method's runs covers at least so much.

    Rows as `robustness` has them, each with thresholds, shares and their intervals.
    """
    made = []
    for row, part in by_method(runs, boxed, reference):
        covered, apart = _coverage(part), _apart(part)
        for at in THRESHOLDS:
            share, low, high = _share(covered >= at, apart)
            made.append({**row, "threshold": at, "share": share, "low": low, "high": high})
    return pd.DataFrame(made)


def expected_best(values: np.ndarray, trials: int) -> float:
    """The mean of the largest of `trials` of the values, over all choices without repetition.

    Formula: sum over i of x_(i) C(i - 1, trials - 1) / C(n, trials), x_(i) the i-th smallest.
    """
    n, i = len(values), np.arange(trials, len(values) + 1)
    weights = np.exp(_choices(i - 1, trials - 1) - _choices(np.array(n), trials))
    return float(np.sort(values)[trials - 1 :] @ weights)


def _choices(n: np.ndarray, k: int) -> np.ndarray:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def best_interval(values: np.ndarray, trials: int, n: int) -> tuple[float, float]:
    """The interval that `robustness` describes, of the best of `trials`: values at least 0."""
    edges = np.unique(np.concatenate([[0.0, 1.0], values]))
    above = (values[None, :] > edges[:-1, None]).mean(1)  # 1 - F from each edge to the next
    low, high = (
        float(np.diff(edges) @ (1 - (1 - end) ** trials)) for end in share_interval(above, n)
    )
    return low, high


def _coverage(runs: pd.DataFrame) -> np.ndarray:
    return runs["coverage"].astype(float).mask(runs["status"].isin(UNFINISHED), 0.0).to_numpy()


def _shapes(runs: pd.DataFrame) -> int:
    return len({shape_of(json.loads(text)) for text in runs["hyperparameters"]})


def _apart(runs: pd.DataFrame) -> int:
    """As how many runs an interval takes them: shapes, or points where there is but one shape."""
    shapes = _shapes(runs)
    return shapes if shapes > 1 else runs["hyperparameters"].nunique()


def _measured(runs: pd.DataFrame) -> dict[str, Any]:
    apart = _apart(runs)
    rate, low, high = _share(runs["success"].eq(True).to_numpy(), apart)
    each = pd.Series(_coverage(runs)).groupby(runs["hyperparameters"].to_numpy()).mean().to_numpy()
    made: dict[str, Any] = {"points": len(each), "shapes": _shapes(runs), "n": len(runs)}
    made |= {"success_rate": rate, "success_low": low, "success_high": high}
    for trials in TRIALS:
        name, known = f"best_of_{trials}", len(each) >= LEAST_POINTS * trials
        low, high = best_interval(each, trials, apart) if known else (np.nan, np.nan)
        made |= {name: expected_best(each, trials) if known else np.nan}
        made |= {f"{name}_low": low, f"{name}_high": high}
    return made


def _share(held: np.ndarray, n: int) -> tuple[float, float, float]:
    """The share of runs that hold, with its interval."""
    share = float(held.mean())
    low, high = share_interval(share, n)
    return share, float(low), float(high)
