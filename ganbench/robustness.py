"""How a method does over a box of hyperparameters: what to expect of it before it is tuned."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import gammaln

from ganbench.box import method_of, shape_of
from ganbench.diagnostics.outcome import UNFINISHED
from ganbench.errors import BadInput
from ganbench.registry import kinds
from ganbench.results import Results
from ganbench.statistics import clopper_pearson

TRIALS = (1, 2, 4, 8, 16, 32, 64)
LEAST_POINTS = 4  # times as many points as trials, or the best of so many is the best of all
THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(21))  # of the coverage, in a profile
RESAMPLES = 1999
ENDS = (("low", 0.025), ("high", 0.975))  # of an interval


def robustness(runs: pd.DataFrame, boxed: Sequence[str], reference: Sequence[str]) -> pd.DataFrame:
    """What share of the box x seeds succeeds, and the best coverage to expect of so many trials:
    one row per task with a box, method and hyperparameters of the method's own.

    `success_rate` is over all runs of all points. `best_of_N` is the expected coverage (the share
    of `real`'s modes, 0 for a run without samples) of the best of N points, drawn without
    repetition, each with the mean coverage of its seeds; null where there are fewer than 4 N
    points. Intervals, 95 %, are over resampled shapes: points of one shape have their nets in
    common, and are no evidence apart. Where no resample differs, the share has Clopper and
    Pearson's at as many runs as there are shapes. Runs that the program stopped are left out.

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
    own = _tried(runs, boxed, reference)
    if own.empty:
        raise BadInput("robustness: these results hold no run in a box of hyperparameters")
    return pd.DataFrame([{**row, **_measured(part)} for row, part in _rows(own)])


def _tried(runs: pd.DataFrame, boxed: Sequence[str], reference: Sequence[str]) -> pd.DataFrame:
    wanted = runs["task"].isin(list(boxed)) & ~runs["method"].isin(list(reference))
    return runs[wanted & runs["status"].ne("failed")]


def _rows(tried: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Each row's names, with its runs."""
    own = tried["hyperparameters"].map(lambda text: method_of(json.loads(text)))
    for names, part in tried.groupby([tried["task"], tried["method"], own], sort=False):
        yield dict(zip(("task", "method", "hyperparameters"), map(str, names), strict=True)), part


def robustness_of(results: Results) -> pd.DataFrame:
    """`robustness` of a results folder's tasks with a box."""
    return robustness(results.runs, results.boxed(), kinds("reference"))


def profile(runs: pd.DataFrame, boxed: Sequence[str], reference: Sequence[str]) -> pd.DataFrame:
    """The performance profile: what share of a method's runs covers at least so much.

    Rows as `robustness` has them, each with thresholds, shares and their intervals.
    """
    made = []
    for row, part in _rows(_tried(runs, boxed, reference)):
        covered, drawn = _coverage(part), _resampled(part)
        for at in THRESHOLDS:
            share, low, high = _share((covered >= at).astype(float), drawn)
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


def _coverage(runs: pd.DataFrame) -> np.ndarray:
    return runs["coverage"].astype(float).mask(runs["status"].isin(UNFINISHED), 0.0).to_numpy()


def _measured(runs: pd.DataFrame) -> dict[str, Any]:
    drawn = _resampled(runs)
    rate, low, high = _share(runs["success"].eq(True).to_numpy(float), drawn)
    points = runs["hyperparameters"].to_numpy()
    made: dict[str, Any] = {"points": len(set(points)), "shapes": drawn.shapes, "n": len(runs)}
    made |= {"success_rate": rate, "success_low": low, "success_high": high}
    each = pd.Series(_coverage(runs)).groupby(points).transform("mean").to_numpy()
    first = ~pd.Series(points).duplicated().to_numpy()

    def best(of: np.ndarray, trials: int) -> float:
        """A point counts as often as its shape was drawn."""
        values = each[of[first[of]]]
        return expected_best(values, trials) if len(values) >= trials else np.nan

    for trials in TRIALS:
        known = len(set(points)) >= LEAST_POINTS * trials
        values = [best(i, trials) for i in drawn.runs] if known else [np.nan]
        name = f"best_of_{trials}"
        made |= {name: best(np.arange(len(runs)), trials) if known else np.nan}
        made |= {f"{name}_{end}": np.nanquantile(values, q) if known else np.nan for end, q in ENDS}
    return made


class _Drawn(NamedTuple):
    """Which runs are of as many shapes as there are, drawn with repetition, again and again."""

    runs: list[np.ndarray]
    shapes: int


def _resampled(runs: pd.DataFrame) -> _Drawn:
    shapes = np.array([shape_of(json.loads(text)) for text in runs["hyperparameters"]])
    own = [np.flatnonzero(shapes == shape) for shape in np.unique(shapes)]
    rng = np.random.default_rng(0)
    picked = rng.integers(len(own), size=(RESAMPLES, len(own)))
    return _Drawn([np.concatenate([own[i] for i in pick]) for pick in picked], len(own))


def _share(held: np.ndarray, drawn: _Drawn) -> tuple[float, float, float]:
    """The share of runs that hold, with its interval."""
    shares = [held[i].mean() for i in drawn.runs]
    low, high = (float(np.quantile(shares, q)) for _, q in ENDS)
    if low == high:
        low, high = clopper_pearson(round(held.mean() * drawn.shapes), drawn.shapes)
    return float(held.mean()), low, high
