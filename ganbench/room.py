"""How many blocks of a group run at once, and of how many lanes each is: what memory allows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from ganbench import memory
from ganbench.budget import Budget
from ganbench.program import Compiled, Lane, Programs, compile_group
from ganbench.tasks.base import Task

SHARE_OF_DATA = 0.25  # of all memory, at most, for copies of a data set
SHARE = 0.8  # of memory, at most, for what runs at the same time: the host needs some beside

Say = Callable[[str], None]


class Placed(NamedTuple):
    """A group, compiled for the devices that it may run on."""

    compiled: Compiled
    budget: Budget  # its block is the one that fits
    size: int  # bytes that a block takes


def placed(
    task: Task,
    method: str,
    static: Mapping[str, Any],
    lanes: Sequence[Lane],
    budget: Budget,
    devices: Sequence[jax.Device],
    diagnostics: Mapping[str, int],
    say: Say,
) -> Placed:
    """Compiles a group for as many of `devices` as its blocks and the copies of its data need.

    Blocks that take more than the device's memory are halved until they do not: than all of it, not
    what is free, since numbers differ in the last bits from those of whole blocks and should not
    hang on what else the machine does. `cost_block` of `runs.csv` tells them apart.

    Raises:
        MemoryError: one lane alone is too large.
    """
    data = sum(x.nbytes for x in (task.train, task.held_out))
    wanted = min(len(devices), -(-len(lanes) // budget.block))
    devices = devices[: _copies(data, devices[0], wanted)]
    if len(devices) < wanted:
        share = f"{SHARE_OF_DATA:.0%} of the memory"
        say(
            f"{task.name}: {wanted} copies of {memory.told(data)} of data are over {share}: "
            f"{len(devices)} of {wanted} devices are used"
        )
    while True:
        compiled = compile_group(task, method, static, lanes[0], budget, devices, diagnostics)
        size, limit = _taken(compiled.programs[0]), SHARE * memory.total(devices[0])
        if size <= limit:
            return Placed(compiled, budget, size)
        told = f"{memory.told(size)}, {memory.told(limit)} may be taken"
        if budget.block == 1:
            raise MemoryError(f"one lane takes {told}")
        half = budget._replace(block=budget.block // 2)
        say(
            f"{task.name} {method}: a block of {budget.block} lanes takes {told}: "
            f"it is split into blocks of {half.block}"
        )
        budget = half


def at_once(made: Placed, say: Say) -> Sequence[Programs]:
    """The programs of the devices on which blocks may run at the same time now, one at least."""
    programs = made.compiled.programs
    device = programs[0].device
    if device.platform != "cpu":  # each has a memory of its own
        return programs
    fit = max(1, int(SHARE * memory.free(device) // made.size))
    if fit < len(programs):
        say(
            f"{memory.told(memory.free(device))} of memory are free, a block takes "
            f"{memory.told(made.size)}: {fit} of {len(programs)} devices are used"
        )
    return programs[:fit]


def _copies(size: int, device: jax.Device, wanted: int) -> int:
    """On how many of `wanted` devices data of `size` bytes may lie, at least one."""
    if device.platform != "cpu":
        return wanted
    return max(1, min(wanted, int(SHARE_OF_DATA * memory.total(device) // size)))


def _taken(programs: Programs) -> int:
    own = (programs.start, programs.advance, programs.draw, programs.judge)
    return memory.taken([*own, *programs.diagnose.values()])
