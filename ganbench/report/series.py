"""What a report's figures show, as tables: no figure counts anything for itself."""

import numpy as np
import pandas as pd

from ganbench.plan import ROW
from ganbench.statistics import clopper_pearson

LOW, HIGH = 0.1, 0.9  # of the runs of a row: what a band leaves out on either side


def failures(board: pd.DataFrame) -> pd.DataFrame:
    """By row: the share of runs that did not end `ok`, with its exact interval.

    Columns: `plan.ROW`, rate, low, high, n. Clopper and Pearson's, 95 %.
    """
    failed = (board["n"] - board["n_ok"]).to_numpy(int)
    ends = [clopper_pearson(int(k), int(n)) for k, n in zip(failed, board["n"], strict=True)]
    low, high = np.transpose(ends) if ends else ([], [])
    made = board[[*ROW, "n"]].assign(rate=failed / board["n"].to_numpy(int), low=low, high=high)
    return made[[*ROW, "rate", "low", "high", "n"]]


def bands(curves: pd.DataFrame, metric: str, dead: float = np.nan) -> pd.DataFrame:
    """By row and step: the median of a metric over the row's runs, and the band of most of them.

    Columns: `plan.ROW`, step, middle, low, high, n. Low and high are the quantiles at 0.1 and 0.9.

    Args:
        curves: a results folder's, with the step means of each run.
        dead: what a run counts from the step on at which it diverged; nan: not at all.
    """
    columns = [*ROW, "step", "middle", "low", "high", "n"]
    own = curves[curves["metric"] == metric]
    if own.empty:
        return pd.DataFrame(columns=columns)
    values = own["mean"].fillna(dead)
    each = own.assign(value=values).groupby([*ROW, "step"], sort=False)["value"]
    made = each.quantile(np.array([LOW, 0.5, HIGH])).unstack()
    made.columns = ["low", "middle", "high"]
    made = made.assign(n=each.count()).reset_index()[columns]
    return made.sort_values("step", kind="stable", ignore_index=True)


def losses(curves: pd.DataFrame) -> list[str]:
    """The losses that any run logged."""
    return sorted(name for name in curves["metric"].unique() if name.startswith("loss/"))


def survival(runs: pd.DataFrame, steps: int) -> pd.DataFrame:
    """By row: the share of runs that have not failed yet, from each step at which one did.

    Kaplan and Meier's estimate: a run fails at the onset of its status, or at the last step if the
    status has none, and is watched to the last step if it is `ok`. As nothing is lost from sight
    before, the estimate is a share of all runs, and has the exact interval, Clopper and Pearson's
    of 95 %. A run that the program stopped was watched to no step that is known, and is left out.

    Columns: `plan.ROW`, step (0 first, `steps` last), share, low, high, n.

    Reference: Kaplan and Meier, "Nonparametric estimation from incomplete observations", JASA 1958.
    """
    columns = [*ROW, "step", "share", "low", "high", "n"]
    watched = runs[runs["status"] != "failed"]
    made = []
    for names, own in watched.groupby(ROW, sort=False):
        fell = own.loc[own["status"] != "ok", "onset"].fillna(steps).to_numpy(np.int64)
        for step in sorted({0, *fell.tolist(), steps}):
            alive = len(own) - int((fell <= step).sum())
            ends = clopper_pearson(alive, len(own))
            made.append([*names, step, alive / len(own), *ends, len(own)])
    return pd.DataFrame(made, columns=columns)
