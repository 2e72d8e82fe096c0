"""Figures of single runs, for notebooks: all of a task's, and one that failed."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure

from ganbench.errors import BadInput, choices
from ganbench.plan import ROW, RUN
from ganbench.report.contents import COVERED, HUES, drawn_first
from ganbench.report.figures import STYLE
from ganbench.report.pictures import frames, task_of
from ganbench.report.samples import Frame, Kept, drawable, kept, panel
from ganbench.report.series import losses
from ganbench.results import Results
from ganbench.shown.parts import told_apart
from ganbench.trained import label

ACROSS, WIDTH, HEIGHT = 4, 10.0, 1.9  # figures beside each other; inches of all, and of one
PANELS, IMAGES = 8, 9  # evaluations around an onset; samples of each, where they are images
ENDED = {True: HUES[0], False: HUES[1]}  # whether a run ended `ok`


def courses(results: Results, task: str, methods: Sequence[str] | None = None) -> Figure:
    """Every run over its training: a row of figures a row of the leaderboard, a line a run.

    Modes covered, the discriminator's loss and the generator's. Blue, runs that ended `ok`; orange,
    those that did not, with a cross at the onset. A line ends where its run diverged.

    Args:
        methods: draw these alone; if not given, those that a report draws first.

    Raises:
        BadInput: a task or a method that the results do not have, or results without curves.
    """
    board = results.leaderboard.assign(label=told_apart(results.leaderboard))
    board = board[board["task"] == task]
    if board.empty or results.curves.empty:
        have = choices(results.leaderboard["task"].unique())
        raise BadInput(f"{results.folder}: no curves of task {task!r}; tasks: {have}")
    trained = board[board["rank"].notna()]
    known = set(trained["method"])
    for name in methods or ():
        if name not in known:
            raise BadInput(f"method {name!r} is none that task {task} trains: {choices(known)}")
    rows = trained[trained["method"].isin(methods)] if methods else _first(trained)
    curves = results.curves.merge(results.runs[[*RUN, "status", "onset"]], on=RUN)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT * len(rows)), layout="constrained")
        grid = figure.subplots(len(rows), 3, squeeze=False, sharex=True)
        for axes, (_, row) in zip(grid, rows.iterrows(), strict=True):
            own = curves[(curves[ROW] == row[ROW]).all(axis=1)]
            of_g = [loss for loss in losses(own) if loss.startswith("loss/g")]
            for ax, metric in zip(axes, [COVERED, "loss/d", *of_g[:1]], strict=False):
                _lines(ax, own[own["metric"] == metric])
                ax.set_title(metric, loc="left")
            axes[0].set_title(f"{row['label']}\n{COVERED}", loc="left")
        for ax in grid[-1]:
            ax.set_xlabel("step")
    return figure


def _first(board: pd.DataFrame) -> pd.DataFrame:
    return board.loc[drawn_first(board["method"])]


def _lines(ax: Any, curves: pd.DataFrame) -> None:
    for _, run in curves.groupby(RUN, sort=False):
        status, onset = run[["status", "onset"]].iloc[0]
        color = ENDED[status == "ok"]
        ax.plot(run["step"], run["mean"], color=color, alpha=0.6, linewidth=0.9)
        if pd.notna(onset):
            at = run[run["step"] >= onset].head(1)
            ax.plot(at["step"], at["mean"], "x", color=color, markersize=5)


def anatomy(results: Results, run: Mapping[str, Any]) -> Figure:
    """One run that failed: its samples around the onset, and all that was logged of it.

    Dashed, the step from which on it had failed.

    Args:
        run: a row of `results.runs`.

    Raises:
        BadInput: no curves of this run, or samples that cannot be read.
    """
    curves = results.curves
    if not curves.empty:
        curves = curves[(curves[RUN] == [run[name] for name in RUN]).all(axis=1)]
    if curves.empty:
        raise BadInput(f"{results.folder}: no curves of {label(run)}")
    pattern = f"{run['task']}_*"
    found = [one for one in kept(results.folder, pattern) if one.label == label(run)]
    within = frames(results.folder)
    found = [one for one in found if drawable(one.samples, within.get(task_of(one)))]
    metrics = sorted(curves["metric"].unique(), key=lambda name: (name != COVERED, name))
    down = -(-len(metrics) // ACROSS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.6 + 1.5 * down), layout="constrained")
        parts: Any = figure.subfigures(2, height_ratios=[1.6, 1.5 * down])
        above, below = parts
        for one in found:
            _around(above, one, run["onset"], within.get(task_of(one)))
        grid = below.subplots(down, ACROSS, squeeze=False, sharex=True).ravel()
        for ax in grid[len(metrics) :]:
            ax.set_axis_off()
        for ax, metric in zip(grid, metrics, strict=False):
            own = curves[curves["metric"] == metric].sort_values("step")
            ax.plot(own["step"], own["mean"], color=HUES[0], linewidth=1)
            ax.set_title(metric, loc="left")
            if pd.notna(run["onset"]):
                ax.axvline(run["onset"], color=HUES[1], linestyle="--", linewidth=1)
    return figure


def _around(figure: SubFigure, run: Kept, onset: Any, within: Frame | None) -> None:
    """The evaluations around the onset, side by side; the last ones where there is none."""
    after = len(run.steps) if pd.isna(onset) else int(np.searchsorted(run.steps, onset))
    first = int(np.clip(after - PANELS // 2, 0, max(len(run.steps) - PANELS, 0)))
    at = range(first, min(first + PANELS, len(run.steps)))
    for ax, i in zip(figure.subplots(1, len(at), squeeze=False)[0], at, strict=True):
        ax.imshow(panel(run.samples[i], within, IMAGES).convert("RGB"), interpolation="nearest")
        ax.set_title(f"step {run.steps[i]}", color=ENDED[i < after])
        ax.set_axis_off()
