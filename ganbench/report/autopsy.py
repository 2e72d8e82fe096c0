"""What became of each run that failed: its curves, and its samples on both sides of the onset."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from ganbench.plan import ROW, RUN
from ganbench.report.samples import Frame, Kept, panel, uri
from ganbench.trained import label

DIGITS = 3  # significant ones of a curve's values
IMAGES = 6  # on either side of the onset
PICTURES = 2_500_000  # bytes that all pictures of a report may take
OF_POINTS = 6000  # bytes of a picture of points, about: 5,500 of a ring, 7,500 of a grid


def autopsies(
    runs: pd.DataFrame, curves: pd.DataFrame, places: Mapping[tuple[str, ...], int]
) -> dict[str, dict[str, Any]]:
    """Every run that did not end `ok`, by `trained.label`.

    Each has its row, seed, replicate, status, onset and reason, and all that was logged of it:
    {quantity: [steps, means]}, None where there is no value.
    """
    failed = runs[runs["status"] != "ok"]
    logged = dict(_curves(curves, failed))
    return {
        label(run): {
            "row": places[tuple(run[name] for name in ROW)],
            "seed": int(run["seed"]),
            "replicate": int(run["replicate"]),
            "status": run["status"],
            "onset": None if pd.isna(run["onset"]) else int(run["onset"]),
            "reason": "" if pd.isna(run["reason"]) else str(run["reason"]),
            "curves": logged.get(tuple(run[name] for name in RUN), {}),
        }
        for run in failed.to_dict("records")
    }


def _curves(curves: pd.DataFrame, runs: pd.DataFrame) -> Iterator[tuple[tuple, dict[str, Any]]]:
    if curves.empty:
        return
    wanted = pd.MultiIndex.from_frame(runs[RUN])
    own = curves[pd.MultiIndex.from_frame(curves[RUN]).isin(wanted)]
    for names, part in own.groupby(RUN, sort=False):
        metrics, steps, means = (part[name].to_numpy() for name in ("metric", "step", "mean"))
        order = np.lexsort((steps, metrics))
        starts = np.unique(metrics[order], return_index=True)[1][1:]
        yield (
            names,
            {
                str(metrics[at[0]]): [steps[at].tolist(), [_short(x) for x in means[at]]]
                for at in np.split(order, starts)
            },
        )


def _short(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def quota(rows: int, samples: np.ndarray) -> int:
    """How many failed runs of each of so many rows have a picture: as many as there is room for."""
    each = OF_POINTS if samples.ndim == 3 else 2 * IMAGES * int(np.prod(samples.shape[2:]))
    return max(1, PICTURES // (max(rows, 1) * each))


def picture(run: Kept, onset: int, within: Frame | None) -> dict[str, Any]:
    """The last samples before `onset` and the first after it, side by side, and their steps.

    Where the onset is the first evaluation there are none before; where a run diverged after its
    last one, none after.
    """
    at = int(np.searchsorted(run.steps, onset))
    sides = [i for i in (at - 1, at) if 0 <= i < len(run.steps)]
    shown = [panel(run.samples[i], within, IMAGES) for i in sides]
    return {
        "before": int(run.steps[at - 1]) if at > 0 else None,
        "after": int(run.steps[at]) if at < len(run.steps) else None,
        "picture": uri(_beside(shown)),
    }


def _beside(panels: list[Image.Image]) -> Image.Image:
    height, gap = panels[0].height, 4
    width = sum(one.width for one in panels) + gap * (len(panels) - 1)
    whole, left = Image.new("RGB", (width, height), (255, 255, 255)), 0
    for one in panels:
        whole.paste(one, (left, 0))
        left += one.width + gap
    return whole
