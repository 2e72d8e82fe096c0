"""Whether a method's discriminator loss tells how good its samples are, from finished runs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ganbench.diagnostics.outcome import UNFINISHED
from ganbench.errors import BadInput
from ganbench.game import is_discriminator, player
from ganbench.plan import ROW, RUN
from ganbench.statistics import t_interval

LEAST = 5  # evaluations: of four, 1 in 24 orders is perfect by chance; of five, 1 in 120
INFORMATIVE = 0.5  # a run's correlation from which the loss counts as telling; ours
QUALITY = "fid"


class Correlation(NamedTuple):
    """Spearman's rho in [-1, 1], or nan with the reason; `evaluations` is of how many."""

    rho: float
    evaluations: int
    note: str


def correlation(value: np.ndarray, quality: np.ndarray) -> Correlation:
    """The rank correlation of two courses, (evaluations,) each, where both are known.

    nan with a reason if fewer than 5 evaluations have both, or if either never changes.
    """
    known = ~(np.isnan(value) | np.isnan(quality))
    n = int(known.sum())
    if n < LEAST:
        return Correlation(np.nan, n, f"{n} evaluations, {LEAST} needed")
    for name, x in (("loss", value), (QUALITY, quality)):
        if len(np.unique(x[known])) == 1:
            return Correlation(np.nan, n, f"constant {name}")
    return Correlation(float(stats.spearmanr(value[known], quality[known]).statistic), n, "")


def loss_informativeness(
    runs: pd.DataFrame, curves: pd.DataFrame, leave_out: Sequence[str] = ()
) -> pd.DataFrame:
    """For each run the rank correlation over training of its critic's value with the `fid`.

    Formula: Spearman's rho, over the evaluations that have both, of -(the sum of the losses of the
    run's discriminators) and the Frechet distance. 1: the value falls whenever the samples get
    better, as the Wasserstein GAN's authors say of their critic's, an estimate of the distance; 0:
    it says nothing; -1: it rises then. At each evaluation the losses are means over the steps since
    the last, penalties included; the distance is that of the evaluation, so the value lags half an
    interval.

    Null with a reason in `note`: a run without a discriminator's loss, of fewer than 5 evaluations
    with both (it diverged early), or with a loss or distance that never changes. Evaluations of one
    run are no independent draws, so a single rho has no p value. Blind to how large the changes
    are; where there is little but the distance's own noise, rho is near 0.

    Args:
        runs, curves: of one results folder.
        leave_out: methods that play no game.

    Returns: the columns task, method, hyperparameters, seed, replicate, rho, evaluations, note.

    Raises:
        BadInput: no curves.

    Reference: Arjovsky, Chintala, Bottou, "Wasserstein Generative Adversarial Networks", ICML 2017,
        arXiv 1701.07875, section 4.2 (there the samples are judged by eye).
    """
    if curves.empty:
        raise BadInput("informativeness: the results folder has no curves.parquet")
    missing = [name for name in (*RUN, "step", "metric", "mean") if name not in curves]
    if missing:
        raise BadInput(f"informativeness: curves.parquet has no column {missing[0]}")
    judged = curves["metric"].map(_of_discriminator)
    kept = curves[judged | (curves["metric"] == QUALITY)]
    courses = {key: own for key, own in kept.groupby(RUN, sort=False, dropna=False)}
    rows = []
    for run in runs[~runs["method"].isin(leave_out)].itertuples():
        key = tuple(getattr(run, name) for name in RUN)
        made = _of_run(courses.get(key))
        status = str(run.status)
        if made.note and status in UNFINISHED:
            made = made._replace(note=f"{status}: {made.note}")
        rows.append(dict(zip(RUN, key, strict=True)) | made._asdict())
    return pd.DataFrame(rows, columns=[*RUN, *Correlation._fields])


def _of_discriminator(metric: str) -> bool:
    kind, _, loss = metric.partition("/")
    return kind == "loss" and bool(loss) and is_discriminator(player(loss))


def _of_run(course: pd.DataFrame | None) -> Correlation:
    if course is None:
        return Correlation(np.nan, 0, "no curves")
    table = course.pivot(index="step", columns="metric", values="mean")
    losses = [name for name in table if name != QUALITY]
    if not losses or QUALITY not in table:
        return Correlation(np.nan, 0, "no discriminator's loss" if not losses else f"no {QUALITY}")
    value = -table[losses].to_numpy(np.float64).sum(1)
    return correlation(value, table[QUALITY].to_numpy(np.float64))


def by_row(correlations: pd.DataFrame) -> pd.DataFrame:
    """One row a task, method and hyperparameters, by task and falling mean.

    mean, low, high: of rho over the runs that have one, with Student's t interval at 95 %, cut off
    at -1 and 1; n: those runs, of `runs`; informative: the share of them with rho above 0.5; note:
    what most of the others lack.
    """
    made = [_row(key, own) for key, own in correlations.groupby(ROW, sort=False, dropna=False)]
    columns = [*ROW, "mean", "low", "high", "n", "runs", "informative", "note"]
    frame = pd.DataFrame(made, columns=columns)
    order = {task: i for i, task in enumerate(frame["task"].unique())}
    return frame.sort_values(
        ["task", "mean", "method", "hyperparameters"],
        ascending=[True, False, True, True],
        key=lambda column: column.map(order) if column.name == "task" else column,
        ignore_index=True,
    )


def _row(key: tuple, runs: pd.DataFrame) -> dict:
    rho = runs["rho"].to_numpy(np.float64)
    known = rho[~np.isnan(rho)]
    mean, low, high, n = t_interval(rho)
    notes = runs["note"][runs["note"] != ""].value_counts()
    note = f"{notes.iloc[0]} of {len(runs)}: {notes.index[0]}" if len(notes) else ""
    return dict(zip(ROW, key, strict=True)) | {
        "mean": mean,
        "low": float(np.clip(low, -1, 1)),
        "high": float(np.clip(high, -1, 1)),
        "n": n,
        "runs": len(runs),
        "informative": float((known > INFORMATIVE).mean()) if n else np.nan,
        "note": note,
    }
