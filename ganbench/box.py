"""Points of a box of hyperparameters: what a method is tried at, rather than tuned to."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganbench.axes import BoxTable, Range
from ganbench.canonical import canonical
from ganbench.errors import BadInput
from ganbench.seeds import stable_hash

TRACED = ("learning_rate", "d_learning_rate", "dropout")  # axes that lanes of one program may vary
AXES = [name for name in BoxTable.model_fields if name not in ("points", "shapes")]
DIGITS = 4  # significant ones of a number drawn from a range: what a table shows is what was used


def points(box: BoxTable, seed: int, task: str) -> list[dict[str, Any]]:
    """The box's points, {axis: value} each, drawn from `seed` and the task's name alone.

    Axes that need a compilation of their own make shapes: `shapes` of the product of their lists,
    drawn without repetition, which the points take in turn. Points of one shape take the product of
    the other lists in turn, from a place that is drawn, and numbers uniformly from ranges, or their
    logarithms.

    Raises:
        BadInput: the box holds fewer points or shapes than are asked for.
    """
    axes = _axes(box)
    listed = {n: x for n, x in axes.items() if not isinstance(x, Range)}
    static = _static(box)
    traced = _product({n: x for n, x in listed.items() if n in TRACED})
    ranges = {n: x for n, x in axes.items() if isinstance(x, Range)}
    shapes = min(box.shapes or box.points, box.points, len(static))
    if box.shapes is not None and box.shapes > box.points:
        raise BadInput(f"box: shapes = {box.shapes} must be at most points, {box.points}")
    if box.shapes is not None and box.shapes > len(static):
        raise BadInput(f"box: shapes = {box.shapes}: the box has {len(static)}")
    if not ranges and box.points > shapes * len(traced):
        most = f"{shapes} shapes of {len(traced)}" if len(traced) > 1 else f"{shapes}"
        raise BadInput(f"box: points = {box.points}: the box has {most}")

    def drawn(name: str) -> np.random.Generator:
        return np.random.default_rng([seed, stable_hash(f"{task} box {name}")])

    order = drawn("shapes").permutation(len(static))[:shapes]
    starts = drawn("starts").integers(len(traced), size=shapes)
    numbers = {n: _between(x, drawn(n).random(box.points)) for n, x in ranges.items()}
    return [
        {
            **static[order[i % shapes]],
            **traced[(starts[i % shapes] + i // shapes) % len(traced)],
            **{name: values[i] for name, values in numbers.items()},
        }
        for i in range(box.points)
    ]


def shapes_in(box: BoxTable) -> int:
    """How many shapes the box holds, whether they are drawn or not."""
    return len(_static(box))


def _axes(box: BoxTable) -> dict[str, Any]:
    return {n: x for n, x in box if n in AXES and x is not None}


def _static(box: BoxTable) -> list[dict[str, Any]]:
    axes = _axes(box)
    return _product({n: x for n, x in axes.items() if n not in TRACED and not isinstance(x, Range)})


def shape_of(hyperparameters: Mapping[str, Any]) -> str:
    """The shape of a run's point: what of its hyperparameters asks for nets of their own."""
    own = {k: v for k, v in hyperparameters.items() if "." not in k and k not in TRACED}
    return canonical(own)


def method_of(hyperparameters: Mapping[str, Any]) -> str:
    """What of a run's hyperparameters is its method's, which a box does not vary."""
    return canonical({k: v for k, v in hyperparameters.items() if "." in k})


def _product(axes: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _between(within: Range, shares: np.ndarray) -> list[float]:
    low, high = (math.log(x) if within.log else x for x in (within.low, within.high))
    made = low + (high - low) * shares
    return [float(f"{math.exp(x) if within.log else x:.{DIGITS}g}") for x in made]
