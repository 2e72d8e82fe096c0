"""What is kept of a group's runs as arrays: samples, and what the nets were at the end."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from ganbench.canonical import canonical
from ganbench.errors import BadInput
from ganbench.game import TrainState
from ganbench.plan import SCHEMA, Group
from ganbench.record import Record
from ganbench.tasks.base import Task

AUX = "aux:"  # in front of the path of what no optimizer moves


def samples(task: Task, group: Group, records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Samples of each run, by lane: 256 at every evaluation, and 2,500 of the final ones."""
    return {
        **_labelled(group),
        "steps": records[0].steps,
        "curve": np.stack([_small(task, r.curve_samples) for r in records]),
        "final": np.stack([_small(task, r.final_samples) for r in records]),
    }


def states(group: Group, records: Sequence[Record]) -> dict[str, Any]:
    """Final parameters by path, and `aux:` what no optimizer moves; the lanes in front."""
    leaves = [{**_flat(r.params), **_flat(r.aux, AUX)} for r in records]
    stacked = {name: np.stack([own[name] for own in leaves]) for name in leaves[0]}
    return {**_labelled(group), **stacked} if stacked else {}


def of_lanes(arrays: Mapping[str, np.ndarray], lanes: Sequence[int]) -> dict[str, np.ndarray]:
    """What `samples` or `states` have of some lanes."""
    shared = ("schema", "steps")
    return {k: x if k in shared else x[list(lanes)] for k, x in arrays.items()}


def restored(arrays: Mapping[str, np.ndarray], lane: int, like: TrainState) -> TrainState:
    """The state of one lane that `states` wrote down; its optimizers at zero.

    Args:
        like: the state's shapes.

    Raises:
        BadInput: the arrays are of other nets, naming the first that is missing or differs.
    """

    def leaf(prefix: str) -> Callable[[Any, Any], np.ndarray]:
        def read(path: Any, x: Any) -> np.ndarray:
            name = prefix + _name(path)
            shape = arrays[name].shape[1:] if name in arrays else "missing"
            if shape != x.shape:
                raise BadInput(f"states: {name} is {shape}, must be of shape {x.shape}")
            return arrays[name][lane]

        return read

    read = jax.tree_util.tree_map_with_path
    opt = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), like.opt)
    return TrainState(read(leaf(""), like.params), read(leaf(AUX), like.aux), opt)


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


def _flat(tree: Any, prefix: str = "") -> dict[str, np.ndarray]:
    """The leaves by path, as `states/` stores them."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {prefix + _name(path): leaf for path, leaf in leaves}


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
