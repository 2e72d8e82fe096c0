"""The groups as tasks of Ray: on this machine or on a cluster, without a shared file system."""

import importlib.util
import logging
import math
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ganbench
from ganbench import runtime
from ganbench.engines.engine import Engine, Job, Trained, label
from ganbench.engines.worker import NEEDED, Worker, in_worker
from ganbench.errors import BadInput
from ganbench.plan import Group
from ganbench.progress import Progress
from ganbench.provenance import commit, versions
from ganbench.training import Finished, failed

RETRIES = 3  # of a group whose worker or node died
#: At a `ray://` address a server of ours is asked for: a process that the cluster forks beside
#: threads of gRPC, and which may die of that as it begins. What fails for good is told later.
TRIES = 2
PATIENCE = 1.0  # seconds between two looks at the clock
PATIENCE_AT_THE_DOOR = 10.0  # seconds until somebody listens at an address
PATIENCE_FOR_A_SIGN = 30.0  # seconds that a cluster's first answer may take
#: Of the environment: what else changes numbers, and where prepared sets lie.
PASSED_ON = ("XLA_FLAGS", "TFDS_DATA_DIR")
SHARE = 0.8  # of a node's memory is what its groups ask for, all together


def on_ray(
    address: str | None = None,
    cpus: int = 1,
    gpu: bool = False,
    files: Sequence[Path] = (),
) -> Engine:
    """Trains each group in a process of Ray's, with `cpus` cores of its own, or a GPU.

    The code is this process's: it travels along, as do `files`, which are plug-ins. What ganbench
    depends on, and packages that add something by entry points, are installed where the workers
    are. A group whose worker or node dies is trained anew elsewhere, up to three times: there are
    no checkpoints. When the time is up, what is in flight is given up, and not recorded.

    Args:
        address: of a cluster, as `ray.init` takes it; a Ray of this machine alone if not given.

    Raises:
        BadInput: Ray is not installed, cannot be reached, or has no node with as many cores.
    """
    if importlib.util.find_spec("ray") is None:
        raise BadInput('--engine ray: needs Ray: pip install "ganbench[ray]"')
    if address == "auto":  # as Ray reads it
        address = os.environ.get("RAY_ADDRESS") or address
    if address is not None:
        _reach(address)
    elif cpus > runtime.cores():
        raise BadInput(f"--ray-cpus: {cpus}: this machine has {runtime.cores()}")

    texts = {path.name: path.read_text() for path in files}
    if len(texts) < len(files):
        raise BadInput("--plugin: two files of one name cannot go to Ray together")

    @contextmanager
    def engine(job: Job, progress: Progress) -> Iterator[Trained]:
        ray = _imported()
        if ray.is_initialized():  # somebody else's, who may still need it
            raise BadInput("--engine ray: this process has a Ray already: ray.shutdown() ends it")
        try:
            _join(ray, address)
            size = _memory(ray, cpus, gpu)
            worker = Worker(cpus, gpu, size, versions(NEEDED), texts)
            yield _trained(ray, job, worker, progress)
        finally:
            ray.shutdown()

    return engine


def _imported() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    # what Ray forks becomes another program at once; gRPC's handlers of forks would end one in
    # twelve of them before that, beside threads of gRPC that a client or an earlier Ray has left
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    # by itself Ray starts what was killed for memory again for ever
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
    import ray

    return ray


def _join(ray: Any, address: str | None) -> None:
    package = str(Path(ganbench.__file__).parent)
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    how: dict[str, Any] = {} if address else {"num_cpus": runtime.cores()}
    where = f"--ray-address: {address}" if address else "--engine ray"
    for left in reversed(range(TRIES)):
        try:
            with warnings.catch_warnings():
                # JAX warns of forks: those that Ray makes become other programs at once
                warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
                warnings.filterwarnings("ignore", "Ray Client connection", UserWarning)  # is told
                ray.init(
                    address or "local",
                    runtime_env={"py_modules": [package], "env_vars": passed},
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **how,
                )
            return
        except Exception as error:  # Ray raises what it likes
            if left and isinstance(error, ConnectionAbortedError):
                ray.shutdown()
                continue
            said = (str(error).strip() or type(error).__name__).splitlines()
            told = said[0] if len(said) == 1 else f"{said[0]} {said[-1].strip()}"  # a trace between
            raise BadInput(f"{where}: cannot be reached: {told}") from error


def _reach(address: str) -> None:
    """Raises BadInput where no cluster is at an address: Ray itself would try for minutes."""
    client = address.startswith("ray://")
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    at_a_door = colon or client or not address
    if not at_a_door and address != "auto":  # "local", or what Ray will refuse
        return
    if at_a_door and not port.isdecimal():
        told = "is none of HOST:PORT, ray://HOST:PORT and auto"
        raise BadInput(f"--ray-address: {address!r} {told}")
    try:
        if at_a_door:
            where = host.removeprefix("[").removesuffix("]"), int(port)
            socket.create_connection(where, timeout=PATIENCE_AT_THE_DOOR).close()
        if client:  # gives up by itself after half a minute
            return
        # by a process that can be ended: Ray does not let go of one that it waits in
        asking = [sys.executable, "-c", "import ray, sys; ray.init(sys.argv[1])", address]
        how: Any = {"capture_output": True, "text": True, "timeout": PATIENCE_FOR_A_SIGN}
        answer = subprocess.run(asking, **how)
        if answer.returncode != 0:
            raise ValueError((answer.stderr.strip() or "no reason is told").splitlines()[-1])
    except subprocess.TimeoutExpired:
        told = f"no cluster answered in {PATIENCE_FOR_A_SIGN:.0f} s"
        raise BadInput(f"--ray-address: {address}: cannot be reached: {told}") from None
    except (OSError, ValueError, OverflowError) as error:
        raise BadInput(f"--ray-address: {address}: cannot be reached: {error}") from None


def _memory(ray: Any, cpus: int, gpu: bool) -> int:
    """Bytes that a group may take: its share of the smallest node that it fits on.

    Raises:
        BadInput: it fits on none, and would wait for ever.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    fit = [n for n in nodes if n.get("CPU", 0) >= cpus and n.get("GPU", 0) >= gpu]
    if not fit:
        wanted = f"{cpus} CPUs{' and a GPU' if gpu else ''}"
        raise BadInput(f"--engine ray: no node has {wanted} for a group")
    at_once = [min(n["CPU"] // cpus, n["GPU"] if gpu else math.inf) for n in fit]
    return int(SHARE * min(n["memory"] / k for n, k in zip(fit, at_once, strict=True)))


def _trained(ray: Any, job: Job, worker: Worker, progress: Progress) -> Trained:
    """The groups as they are finished; a few more than there is room for wait at Ray's door."""
    remote = ray.remote(
        num_cpus=worker.cpus,
        num_gpus=int(worker.gpu),
        memory=worker.memory,
        max_retries=RETRIES,
        max_calls=0,
    )(in_worker)
    room = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)) // worker.cpus)
    suite, how = ray.put(job.suite), ray.put(worker)
    waiting, flying = list(job.groups), dict[Any, Group]()
    while waiting or flying:
        while waiting and len(flying) < room and not job.over():
            group = waiting.pop(0)
            flying[remote.remote(suite, group, job.protocols[group.task], how)] = group
        if job.over():
            for task in flying:
                ray.cancel(task, force=True)
            progress.stopped(len(waiting) + len(flying))
            return
        done, _ = ray.wait(list(flying), num_returns=1, timeout=PATIENCE)
        for task in done:
            group = flying.pop(task)
            progress.group(label(group))
            yield group, _result(ray, task, job, group)
            progress.advance(len(group.lanes) * job.suite.tasks[group.task].steps)


def _result(ray: Any, task: Any, job: Job, group: Group) -> Finished:
    try:
        made = ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, BadInput):
            raise BadInput(f"--engine ray: {error.cause}") from None
        return failed(group, error.cause, job.protocols[group.task], "")
    except ray.exceptions.RayError as error:  # its worker or node died, again and again
        return failed(group, error, job.protocols[group.task], "")
    own = {"commit": commit()}  # the code is ours
    return made._replace(rows=[row | own for row in made.rows])
