"""Pictures of what the runs of a results folder have learnt to draw."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from ganbench.errors import BadInput
from ganbench.finished import read_arrays
from ganbench.results import read_runs
from ganbench.trained import label

SAMPLES = 16  # of a run, in a row
SCALE = {8: 4, 28: 2, 32: 2}  # times as large as the samples, by their height
GAP, LINE = 8, 14  # pixels between rows of runs, and that a line of text takes
PAPER, INK = (255, 255, 255), (0, 0, 0)


class Strip(NamedTuple):
    """The first samples of some runs of one row."""

    label: str
    samples: np.ndarray  # (runs, SAMPLES, height, width, channels) uint8


def galleries(folder: Path, runs: int = 2) -> dict[str, Image.Image]:
    """By task of images: a picture with a strip a leaderboard row, of its first `runs` replicates.

    Raises:
        BadInput: no results folder, or none of its tasks has images with samples.
    """
    rows, kept = read_runs(folder / "runs.csv"), dict(_kept(folder))
    strips = {
        str(task): list(_strips(own, kept, runs)) for task, own in rows.groupby("task", sort=False)
    }
    made = {task: _picture(task, own) for task, own in strips.items() if own}
    if not made:
        raise BadInput(f"{folder}: no samples of images; suites keep them with keep.samples")
    return made


def _kept(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(label, its first samples) of every run that has images."""
    for path in sorted((folder / "samples").glob("[!.]*.npz")):
        found = read_arrays(path)
        cells, final = found.get("cells"), found.get("final")
        if cells is None or final is None or len(np.atleast_1d(cells)) != len(np.atleast_1d(final)):
            raise BadInput(f"{path}: no samples of as many runs as it names")
        if final.ndim == 5 and final.dtype == np.uint8:
            yield from zip(map(str, cells), final[:, :SAMPLES], strict=True)


def _strips(rows: pd.DataFrame, kept: Mapping[str, np.ndarray], runs: int) -> Iterator[Strip]:
    for (method, text), own in rows.groupby(["method", "hyperparameters"], sort=False):
        names = [label(run) for run in own.to_dict("records")]
        drawn = [i for i, name in enumerate(names) if name in kept][:runs]
        if drawn:
            told = f"{method} {text if text != '{}' else ''} {_told(own['modes'], drawn)}"
            yield Strip(told, np.stack([kept[names[i]] for i in drawn]))


def _told(modes: pd.Series, drawn: list[int]) -> str:
    """The modes of the runs that are drawn, and of all of the row: a run may be unlike the mean."""
    here = ", ".join("none" if pd.isna(m) else f"{m:.0f}" for m in modes.iloc[drawn])
    return f" modes: {here} here; mean of {modes.notna().sum()} runs {modes.mean():.0f}"


def _picture(task: str, strips: list[Strip]) -> Image.Image:
    made = [_drawn(strip) for strip in strips]
    width = max(image.width for image in made)
    height = LINE + GAP + sum(LINE + image.height + GAP for image in made)
    page = Image.new("RGB", (width, height), PAPER)
    pen, top = ImageDraw.Draw(page), 0
    pen.text((0, top), f"{task}: {SAMPLES} samples of each run, as they come", INK)
    top += LINE + GAP
    for strip, image in zip(strips, made, strict=True):
        pen.text((0, top), strip.label, INK)
        page.paste(image, (0, top + LINE))
        top += LINE + image.height + GAP
    return page


def _drawn(strip: Strip) -> Image.Image:
    runs, samples, height, width, channels = strip.samples.shape
    whole = np.moveaxis(strip.samples, 1, 2).reshape(runs * height, samples * width, channels)
    image = Image.fromarray(whole if channels == 3 else whole[..., 0]).convert("RGB")
    scale = SCALE.get(height, 1)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
