"""Pictures of samples: how a row's first run came to what it draws, a strip an evaluation."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from ganbench.errors import BadInput
from ganbench.finished import read_arrays

PANELS = 8  # evaluations in a strip, at most
CELLS, BLUR = 56, 1.2  # of a density on either side, in cells; its smoothing, in cells
MARGIN = 0.15  # of the data's range, beyond it on every side
IMAGES = 12  # samples of an evaluation
#: Densities from none to most: one hue from light to dark, which everybody tells apart.
SHADES = ((255, 255, 255), (199, 224, 240), (96, 160, 208), (14, 90, 160), (4, 30, 80))


class Kept(NamedTuple):
    """What is kept of a run's samples on the way."""

    label: str  # see `trained.label`
    steps: np.ndarray  # (E,)
    samples: np.ndarray  # (E, 256, ...): points as float16, images as uint8


class Frame(NamedTuple):
    """What of the plane is shown: the same for all runs of a task."""

    low: np.ndarray  # (2,)
    high: np.ndarray


def kept(folder: Path, names: str = "*") -> Iterator[Kept]:
    """The samples on the way of every run of a results folder that has them, a file at a time.

    Args:
        names: a pattern of the files' names, which begin with task and method.

    Raises:
        BadInput: a file that cannot be read, or is none of these.
    """
    for path in sorted((folder / "samples").glob(f"{names}.npz")):
        if path.name.startswith("."):
            continue
        cells, steps, curve = read_arrays(path, ("cells", "steps", "curve")).values()
        if cells.shape != curve.shape[:1] or steps.shape != curve.shape[1:2] or not len(steps):
            raise BadInput(f"{path}: no samples of as many runs and steps as it names")
        yield from (Kept(str(cell), steps, own) for cell, own in zip(cells, curve, strict=True))


def drawable(samples: np.ndarray, within: Frame | None) -> bool:
    """Whether samples (E, 256, ...) are images, or points of the plane that `within` is part of."""
    if within is None:
        return samples.ndim == 5 and samples.shape[-1] in (1, 3)
    return samples.shape[2:] == (2,)


def frame(points: np.ndarray) -> Frame:
    """What holds `points`, (..., 2), those that are finite, and a margin."""
    flat = points.reshape(-1, 2).astype(np.float64)
    flat = flat[np.isfinite(flat).all(1)] if np.isfinite(flat).any() else np.zeros((1, 2))
    low, high = flat.min(0), flat.max(0)
    room = MARGIN * np.maximum(high - low, 1e-9)
    return Frame(low - room, high + room)


def panels(evaluations: int) -> np.ndarray:
    """Which of so many evaluations a strip shows, the last among them."""
    return np.linspace(0, evaluations - 1, min(PANELS, evaluations)).round().astype(int)


def strip(samples: np.ndarray, within: Frame | None) -> Image.Image:
    """A run's samples (E, 256, ...) at the evaluations that `panels` names, side by side."""
    at = panels(len(samples))
    if within is None:
        return Image.fromarray(np.concatenate([tiles(samples[i, :IMAGES]) for i in at], axis=1))
    return density(np.concatenate([counted(samples[i], within) for i in at], axis=1))


def panel(samples: np.ndarray, within: Frame | None, images: int = IMAGES) -> Image.Image:
    """Samples (n, ...) as one picture: a density of points, or so many of the images."""
    if within is None:
        return Image.fromarray(tiles(samples[:images]))
    return density(counted(samples, within))


def counted(points: np.ndarray, within: Frame) -> np.ndarray:
    """(CELLS, CELLS) the density of points (n, 2), the second axis upwards, its largest value 1."""
    finite = points[np.isfinite(points).all(1)].astype(np.float64)
    ranges = np.stack([within.low, within.high], axis=1)
    seen, _, _ = np.histogram2d(finite[:, 0], finite[:, 1], bins=CELLS, range=ranges)
    smooth = ndimage.gaussian_filter(seen.T[::-1], BLUR)
    edge = np.pad(smooth / max(smooth.max(), 1e-9), 1)  # an empty frame, so that panels stand apart
    return edge


def density(shares: np.ndarray) -> Image.Image:
    """Shares, 0 to 1, as shades."""
    image = Image.fromarray(np.rint(255 * np.sqrt(shares)).astype(np.uint8), mode="P")
    stops = np.linspace(0, 255, len(SHADES))
    channels = [np.interp(np.arange(256), stops, [s[i] for s in SHADES]) for i in range(3)]
    image.putpalette(np.stack(channels, axis=1).round().astype(np.uint8).tobytes())
    return image


def tiles(images: np.ndarray, across: int = 3) -> np.ndarray:
    """Images (n, h, w, c) as one, so many beside each other, with a light line around."""
    n, height, width, channels = images.shape
    down = -(-n // across)
    wide = np.full((down * across, height + 1, width + 1, channels), 255, np.uint8)
    wide[:n, :height, :width] = images
    whole = wide.reshape(down, across, height + 1, width + 1, channels).swapaxes(1, 2)
    whole = whole.reshape(down * (height + 1), across * (width + 1), channels)
    return whole if channels == 3 else np.repeat(whole, 3, axis=-1)


def uri(image: Image.Image) -> str:
    """An image as a text that a page can hold."""
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
