"""What is kept of a group's runs as arrays: samples, and the final parameters."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from ganbench.harness import Record
from ganbench.plan import SCHEMA, Group, canonical
from ganbench.tasks.base import Task


def samples(task: Task, group: Group, records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Samples of each run, by lane: 256 at every evaluation, and all of the final ones."""
    return {
        **_labelled(group),
        "steps": records[0].steps,
        "curve": np.stack([_small(task, r.curve_samples) for r in records]),
        "final": np.stack([_small(task, r.final_samples) for r in records]),
    }


def states(group: Group, records: Sequence[Record]) -> dict[str, Any]:
    """Final parameters, each leaf with the lanes in front."""
    leaves = [dict(_flat(record.params)) for record in records]
    stacked = {name: np.stack([own[name] for own in leaves]) for name in leaves[0]}
    return {**_labelled(group), **stacked} if stacked else {}


def _small(task: Task, x: np.ndarray) -> np.ndarray:
    """Images (in [-1, 1]) as uint8, other samples as float16: what a figure needs."""
    if len(task.shape) == 1:
        return np.clip(x, -65504, 65504).astype(np.float16)
    finite = np.nan_to_num(x, nan=-1.0)
    return np.clip(np.rint((finite + 1) * 127.5), 0, 255).astype(np.uint8)


def _labelled(group: Group) -> dict[str, np.ndarray]:
    """What tells the lanes of a file apart: each one's row, seed and replicate."""
    labels = [canonical([*c.row, c.seed, c.replicate]) for c in group.cells]
    return {"schema": np.array(SCHEMA), "cells": np.array(labels)}


def _flat(params: Any) -> Iterator[tuple[str, np.ndarray]]:
    """The parameters' leaves with the path of each, as `states/` stores them."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        yield jax.tree_util.keystr(path, simple=True, separator="/"), leaf
