"""What every lane reads: one copy a device, never one a lane."""

import threading
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import SingleDeviceSharding

from ganbench.tasks.base import Task


class Shared(NamedTuple):
    """A task's arrays and its judge's, as arguments of a compiled program."""

    train: jax.Array
    held_out: jax.Array
    weights: Any
    centre: jax.Array


def shared_of(task: Task) -> Shared:
    """They as they lie on the host."""
    centre = np.asarray(task.reference_mean, np.float32)
    return Shared(task.train, task.held_out, task.judge.weights, centre)  # type: ignore[arg-type]


_one_at_a_time = threading.Lock()
_lying: dict[jax.Device, tuple[tuple[str, str], Shared]] = {}  # a task's data on each device


def on_device(task: Task, device: jax.Device) -> Shared:
    """They on `device`: one copy, whatever the number of groups that read it."""
    hashes = task.data_hash, task.judge.hash
    with _one_at_a_time:  # a group is compiled while another is trained
        if device not in _lying or _lying[device][0] != hashes:
            _lying[device] = hashes, jax.device_put(shared_of(task), SingleDeviceSharding(device))
        return _lying[device][1]
