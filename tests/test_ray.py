"""Groups as tasks of Ray: the same bits, whatever dies on the way."""

import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from grids import contents, suite

from ganbench import plugins, registry, sweep
from ganbench.engines import ray as engine
from ganbench.engines.ray import on_ray
from ganbench.errors import BadInput
from ganbench.progress import Progress

PLUGIN = """
import jax.numpy as jnp
from annotated_types import Ge
from typing import Annotated
from ganbench import Entry, Plugin, Stabilizer
from ganbench.parts import add_to_loss, judge_real


def strange(weight: Annotated[float, Ge(0)] = 1e-3) -> Stabilizer:
    def term(players, data, key, t):
        return weight * jnp.mean(judge_real(players, data, key).score ** 2)

    return add_to_loss("d", term)


def raising(weight: Annotated[float, Ge(0)] = 1e-3) -> Stabilizer:
    raise ZeroDivisionError("of its own")


PLUGIN = Plugin(
    stabilizers={"strange": Entry(strange, "modifier"), "raising": Entry(raising, "modifier")}
)
"""
METHODS = {"gap": {}, "strange": {}, "raising": {}}


def small():
    return suite(METHODS, seeds=3, steps=200)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "strange.py"
    path.write_text(PLUGIN)
    plugins.read(path)
    yield path
    for name in ("strange", "raising"):
        registry.METHODS.pop(name)
        plugins.SOURCES.pop(("stabilizers", name))


@pytest.fixture
def whole(tmp_path, file):
    sweep.run(small(), tmp_path / "whole")
    return contents(tmp_path / "whole")


def workers():
    """The processes of Ray's that train."""
    named = (process.info for process in psutil.process_iter(["pid", "cmdline"]))
    return [p["pid"] for p in named if "ray::in_worker" in " ".join(p["cmdline"] or [])]


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [1, 2])
def test_the_same_bits_and_plugins_travel_along(tmp_path, file, whole, cpus):
    made = sweep.run(small(), tmp_path / "ray", engine=on_ray(cpus=cpus, files=[file]))
    assert contents(tmp_path / "ray") == whole
    failed = made.runs[made.runs["method"] == "raising"]
    assert set(failed["reason"]) == {"ZeroDivisionError: of its own"}
    assert not workers()


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_but_time(tmp_path, file, whole):
    killed = []

    def kill(label):
        """As the first group is finished, those that train the others die."""
        if killed:
            return
        for pid in workers():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    progress = Progress(group=kill)
    sweep.run(small(), tmp_path / "ray", engine=on_ray(files=[file]), progress=progress)
    assert killed and contents(tmp_path / "ray") == whole


@pytest.mark.slow
# of Ray's own cluster for tests, which leaves files open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_node_that_dies_costs_nothing_but_time(tmp_path, file, whole):
    """Of a cluster: a head that trains nothing, and two nodes, one of which dies with its group."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    seen = []

    def kill(label):
        if not seen:
            cluster.remove_node(nodes[1], allow_graceful=False)
        seen.append(label)

    try:
        made = on_ray(cluster.address, files=[file])
        sweep.run(small(), tmp_path / "ray", engine=made, progress=Progress(group=kill))
    finally:
        cluster.shutdown()
    assert len(seen) == 6 and contents(tmp_path / "ray") == whole


def listened(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_from_outside_of_a_cluster(tmp_path, file, whole, monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # one without a token
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 2, "ray_client_server_port": port}
    )
    try:
        end = time.monotonic() + 30
        while not listened(port) and time.monotonic() < end:
            time.sleep(0.1)
        made = on_ray(f"ray://127.0.0.1:{port}", files=[file])
        sweep.run(small(), tmp_path / "ray", engine=made)
    finally:
        cluster.shutdown()
    assert contents(tmp_path / "ray") == whole


@pytest.mark.slow
def test_a_worker_of_other_versions_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "versions", lambda names: {"jax": "0.0.1"})
    plain = suite({"minimax": {}}, seeds=2, steps=50)
    with pytest.raises(BadInput, match=r"worker .* has jax [1-9.]*.*, this machine 0\.0\.1"):
        sweep.run(plain, tmp_path / "ray", engine=on_ray())


@pytest.mark.slow
def test_what_is_in_flight_when_the_time_is_up_is_not_recorded(tmp_path):
    plain, left = suite({"minimax": {}}, seeds=2, steps=50), []
    made = sweep.run(
        plain,
        tmp_path / "ray",
        engine=on_ray(),
        progress=Progress(stopped=left.append),
        max_minutes=1e-9,
    )
    assert made.runs.empty and left == [4]
    assert len(sweep.run(plain, tmp_path / "ray", engine=on_ray()).runs) == 8


def test_processes_are_bound_to_cores_of_their_own(tmp_path):
    """As long as there are any."""
    code = """
import os, sys
from ganbench.engines.cores import pinned
print(*pinned(1), *os.sched_getaffinity(0), flush=True)
sys.stdin.read()
"""
    how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    mine = len(os.sched_getaffinity(0))
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, **how)
        for _ in range(mine + 1)
    ]
    cores = []
    for process in running:
        told, bound = process.stdout.readline().split()
        assert told == bound
        cores.append(told)
    assert len(set(cores)) == mine
    for process in running:
        process.communicate()
