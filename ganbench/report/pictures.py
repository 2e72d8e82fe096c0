"""Which runs of a results folder are pictured in its report: a pass over its samples."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from ganbench.report.autopsy import picture, quota
from ganbench.report.samples import Frame, Kept, drawable, frame, kept, panels, strip, uri


def pictured(
    folder: Path, rows: dict[str, int], failed: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By row: the strip of the first of its runs that has samples, with the steps that it shows.
    Failed runs get their samples added.

    Of failed runs as many of each row are pictured, in the order of the files, as there is room
    for (`autopsy.quota`).

    Args:
        rows: each run's row, by `trained.label`.
        failed: as `autopsy.autopsies` makes them.
    """
    within_of = frames(folder)
    strips: dict[str, dict[str, Any]] = {}
    failing, seen = len({one["row"] for one in failed.values()}), Counter[int]()
    for run in kept(folder):
        row, within = rows.get(run.label), within_of.get(task_of(run))
        if row is None or not drawable(run.samples, within):
            continue
        if str(row) not in strips:
            steps = run.steps[panels(len(run.steps))].tolist()
            strips[str(row)] = {"picture": uri(strip(run.samples, within)), "steps": steps}
        own = failed.get(run.label)
        if own and own["onset"] is not None and seen[row] < quota(failing, run.samples):
            own |= picture(run, own["onset"], within)
            seen[row] += 1
    return strips


def frames(folder: Path) -> dict[str, Frame]:
    """By task of points: what of the plane holds its real data."""
    real = [run for run in kept(folder, "*_real_*") if run.samples.shape[2:] == (2,)]
    return {task_of(run): frame(run.samples) for run in real}


def task_of(run: Kept) -> str:
    """The task of a run; empty if its label is none of ours."""
    try:
        return str(json.loads(run.label)[0])
    except (ValueError, LookupError, TypeError):
        return ""
