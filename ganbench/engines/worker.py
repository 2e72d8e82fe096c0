"""What a process of Ray's does: makes itself ready, once, and trains one group after the other."""

import atexit
import shutil
import socket
import tempfile
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import jax

from ganbench import memory, plugins, runtime
from ganbench.compilation_cache import use_compilation_cache
from ganbench.engines.cores import pinned
from ganbench.errors import BadInput
from ganbench.plan import Group
from ganbench.provenance import PACKAGES, versions
from ganbench.schema import Suite
from ganbench.tables import Scale
from ganbench.training import Finished, compiled, scale_of, train

#: Of one version on all nodes: what moves numbers, and what results travel in. Our code is shipped.
NEEDED = (*(name for name in PACKAGES if name != "ganbench"), "pandas", "pyarrow", "pydantic")


class Worker(NamedTuple):
    """What a process needs before it can train."""

    cpus: int  # one device each
    gpu: bool
    memory: int  # bytes that it may take of its node's
    versions: Mapping[str, str]  # of the driver: others may give other numbers
    plugins: Mapping[str, str]  # texts of the files that were added by `--plugin`, by name


def in_worker(suite: Suite, group: Group, protocol_hash: str, worker: Worker) -> Finished:
    """Trains one group; what a process of Ray's runs."""
    wanted = tuple(sorted(worker.versions.items()))
    _begun(worker.cpus, worker.gpu, worker.memory, wanted, *worker.plugins.items())
    devices = tuple(jax.devices())
    scale = partial(_scale, suite.model_dump_json(), group.task, protocol_hash, devices)
    ready = partial(compiled, suite, group, devices, lambda told: None)
    return train(suite, group, ready, scale, protocol_hash, lambda lane_steps: None, None)


@cache
def _begun(cpus: int, gpu: bool, size: int, wanted: tuple, *files: tuple[str, str]) -> None:
    """Pins the process to cores of its own before JAX starts, one device each; once a process."""
    installed_here = versions(NEEDED)
    for name, version in wanted:
        here = installed_here[name]
        if here != version:
            host = socket.gethostname()
            raise BadInput(f"worker {host} has {name} {here}, this machine {version}")
    if not gpu:
        pinned(cpus)
    memory.allow(size)
    runtime.set_devices("gpu" if gpu else f"cpu:{cpus}")
    use_compilation_cache()
    plugins.installed()
    folder = Path(tempfile.mkdtemp(prefix="ganbench-plugins-"))  # what others cannot write to
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, text in files:
        (folder / name).write_text(text)
        plugins.read(folder / name)


@cache
def _scale(suite: str, task: str, protocol_hash: str, devices: tuple) -> Scale:
    return scale_of(Suite.model_validate_json(suite), task, protocol_hash, devices)
