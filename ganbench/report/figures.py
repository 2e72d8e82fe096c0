"""Figures for papers, as SVG and PDF: what the report shows, of the rows that are asked for."""

import base64
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image

from ganbench.errors import BadInput, choices
from ganbench.files import write
from ganbench.report.contents import COVERED, HUES, contents
from ganbench.report.pictures import pictured
from ganbench.results import Results

FORMATS = ("svg", "pdf")
WIDTH, HEIGHT = 5.5, 3.2  # inches; a column of most papers takes the width
LETTERS = 85  # of a legend that are as wide as a figure
DASHES = ("-", "--", ":", "-.")
STYLE: Any = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "ganbench",  # equal results give equal files
    "pdf.fonttype": 42,
    "text.parse_math": False,  # a dollar in a method's name is a dollar
}

Numbers = Mapping[str, Any]
Named = tuple[str, Figure]


def figures(results: Results, methods: Sequence[str] | None = None) -> list[Path]:
    """Writes the figures of every task into the folder of `results`; gives their paths.

    Files are figures/KIND-TASK.svg and .pdf.

    Args:
        methods: draw these alone; if not given, some of each task (`contents.drawn_first`).

    Raises:
        BadInput: a method that the results do not have.
    """
    made = []
    for name, figure in drawings(results, methods):
        with mpl.rc_context(STYLE):
            files = {f"figures/{name}.{form}": _writer(figure, form) for form in FORMATS}
            write(results.folder, files)
        made += [results.folder / name for name in files]
    return made


def drawings(results: Results, methods: Sequence[str] | None = None) -> Iterator[Named]:
    """The figures of every task, by the names of their files; see `figures`."""
    found = contents(results)
    numbers = found.numbers
    known = {row["method"] for row in numbers["rows"] if not row["reference"]}
    if not known:
        raise BadInput(f"{results.folder}: no rows but those of reference")
    for name in methods or ():
        if name not in known:
            raise BadInput(f"--methods: {name!r} is none of these results': {choices(known)}")
    for task in numbers["tasks"]:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", task):
            raise BadInput(f"{results.folder}: task {task!r} cannot be part of a file's name")
    strips = pictured(results.folder, found.by_run(results.runs), {})
    for task in numbers["tasks"]:
        with mpl.rc_context(STYLE):
            made = [*_of_task(numbers, strips, task, _chosen(numbers, task, methods))]
        yield from ((f"{re.sub('[^A-Za-z0-9._]+', '-', kind)}-{task}", one) for kind, one in made)


def _writer(figure: Figure, form: str) -> Callable[[Path], Any]:
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    return lambda path: figure.savefig(path, format=form, metadata=dates[form])


def _chosen(numbers: Numbers, task: str, methods: Sequence[str] | None) -> list[int]:
    """The places of the rows that are drawn."""
    own = [
        i for i, row in enumerate(numbers["rows"]) if row["task"] == task and not row["reference"]
    ]
    if methods is not None:
        return [i for i in own if numbers["rows"][i]["method"] in methods]
    return numbers["tasks"][task]["drawn"]


def _of_task(
    numbers: Numbers, strips: Mapping[str, Any], task: str, drawn: Sequence[int]
) -> Iterator[Named]:
    if not drawn:
        return
    yield "failures", _failures(numbers, drawn)
    if any(str(i) in numbers["survival"] for i in drawn):
        label = "share not failed yet"
        yield "survival", _lines(numbers, numbers["survival"], drawn, label, stepped=True)
    if any(numbers["rows"][i]["seconds"] for i in drawn):
        yield "cost", _cost(numbers, drawn)
    for metric, of in numbers["bands"].items():
        if any(str(i) in of for i in drawn):
            yield metric, _lines(numbers, of, drawn, metric)
    if any(str(i) in strips for i in drawn):
        real = [
            i
            for i, row in enumerate(numbers["rows"])
            if row["task"] == task and row["method"] == "real"
        ]
        yield "samples", _samples(numbers, strips, [*real, *drawn])


def _axes(height: float = HEIGHT) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _failures(numbers: Numbers, drawn: Sequence[int]) -> Figure:
    figure, axes = _axes(0.8 + 0.22 * len(drawn))
    for place, i in enumerate(reversed(drawn)):
        rate, low, high = numbers["rows"][i]["failed"]
        if low is not None:
            axes.plot([low, high], [place, place], color=HUES[0], linewidth=1)
        axes.plot([rate], [place], "o", color=HUES[0], markersize=4)
    axes.set_yticks(range(len(drawn)), [numbers["rows"][i]["label"] for i in reversed(drawn)])
    axes.set(xlabel="share of runs that failed", xlim=(-0.02, 1.02))
    return figure


def _lines(
    numbers: Numbers, of: Mapping[str, Any], drawn: Sequence[int], name: str, stepped: bool = False
) -> Figure:
    """A line a row with its band; the share of runs that live steps, as its estimate does."""
    longest = max(len(numbers["rows"][i]["label"]) for i in drawn)
    across = max(1, LETTERS // (longest + 8))
    figure, axes = _axes(HEIGHT + 0.15 * (len(drawn) // across))
    for place, i in enumerate(drawn):
        if str(i) not in of:
            continue
        x, middle, low, high = (np.array(values, float) for values in of[str(i)])
        color, dash = HUES[place % len(HUES)], DASHES[place // len(HUES) % len(DASHES)]
        axes.plot(
            x,
            middle,
            dash,
            color=color,
            linewidth=1.2,
            drawstyle="steps-post" if stepped else "default",
            label=numbers["rows"][i]["label"],
        )
        axes.fill_between(
            x, low, high, color=color, alpha=0.15, linewidth=0, step="post" if stepped else None
        )
    axes.set(xlabel="step", ylabel=name)
    if stepped or name == COVERED:
        axes.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=across, frameon=False)
    return figure


def _cost(numbers: Numbers, drawn: Sequence[int]) -> Figure:
    figure, axes = _axes()
    for i in drawn:
        row = numbers["rows"][i]
        rate, low, high = row["success"]
        if not row["seconds"]:
            continue
        if low is not None:
            axes.plot([row["seconds"]] * 2, [low, high], color=HUES[0], alpha=0.4, linewidth=1)
        axes.plot([row["seconds"]], [rate], "o", color=HUES[0], markersize=4)
        axes.annotate(
            row["label"], (row["seconds"], rate), (3, 3), textcoords="offset points", fontsize=6
        )
    axes.set(xlabel="seconds a run", ylabel="success", xscale="log", ylim=(-0.05, 1.08))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    return figure


def _samples(numbers: Numbers, strips: Mapping[str, Any], drawn: Sequence[int]) -> Figure:
    shown = [i for i in drawn if str(i) in strips]
    images = [_image(strips[str(i)]["picture"]) for i in shown]
    height = sum(0.2 + WIDTH * image.shape[0] / image.shape[1] for image in images)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(len(shown), squeeze=False)
    for i, image, own in zip(shown, images, axes[:, 0], strict=True):
        own.imshow(image, interpolation="nearest")
        own.set_title(numbers["rows"][i]["label"], fontsize=7, loc="left", pad=2)
        own.set_axis_off()
    return figure


def _image(uri: str) -> np.ndarray:
    data = base64.b64decode(uri.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
