"""How one gets to a Ray: what is no address or no cluster is told in one line, and let go of."""

import socket
import time

import pytest
from commands import typed
from grids import suite

from ganbench import sweep
from ganbench.engines import ray as engine
from ganbench.engines.ray import on_ray
from ganbench.errors import BadInput


@pytest.mark.slow
def test_after_what_is_no_cluster_ray_can_still_be_used(tmp_path, monkeypatch, capfd):
    """Somebody listens where a Ray Client is to be served, and says nothing.

    It leaves threads of gRPC, whose handlers of forks now and then end what is forked beside them;
    that there are any they tell.
    """
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"ray://127.0.0.1:{silent.getsockname()[1]}"
        words = ("--engine", "ray", "--ray-address", address, "--out", tmp_path / "out")
        assert typed(monkeypatch, "run", "smoke", *words) == 2
    error = capfd.readouterr().err
    assert f"{address}: cannot be reached: " in error and len(error.splitlines()) == 1
    assert time.monotonic() - began < 60
    plain = suite({"minimax": {}}, seeds=2, steps=50)
    assert len(sweep.run(plain, tmp_path / "ray", engine=on_ray()).runs) == 8
    assert "fork" not in capfd.readouterr().err


def refusing(monkeypatch, error, times):
    """Ray's ways in and out are written down; the first few times one does not get in."""
    import ray

    real, out, seen = ray.init, ray.shutdown, []

    def init(*words, **how):
        seen.append("init")
        if seen.count("init") <= times:
            raise error
        return real(*words, **how)

    def shutdown(*words):
        seen.append("shutdown")
        out(*words)

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", shutdown)
    return seen


SERVER = ConnectionAbortedError("Initialization failure from server:\nit is a zombie")


@pytest.mark.slow
def test_a_server_that_dies_as_it_begins_is_asked_for_again(tmp_path, monkeypatch):
    seen = refusing(monkeypatch, SERVER, times=1)
    plain = suite({"minimax": {}}, seeds=2, steps=50)
    assert len(sweep.run(plain, tmp_path / "ray", engine=on_ray()).runs) == 8
    assert seen == ["init", "shutdown", "init", "shutdown"]


@pytest.mark.parametrize(
    "error, told, trials",
    [
        (SERVER, "Initialization failure from server: it is a zombie", engine.TRIES),
        (ConnectionError("nobody"), "nobody", 1),
        (OSError(24, "Too many open files"), "Too many open files", 1),
        (Exception("of no kind"), "of no kind", 1),
    ],
)
def test_what_fails_for_good_is_told_and_let_go_of(tmp_path, monkeypatch, error, told, trials):
    seen = refusing(monkeypatch, error, times=9)
    plain = suite({"minimax": {}}, seeds=2, steps=50)
    with pytest.raises(BadInput, match=f"--engine ray: cannot be reached: .*{told}"):
        sweep.run(plain, tmp_path / "ray", engine=on_ray())
    assert seen == trials * ["init", "shutdown"]


def test_a_ray_that_was_there_before_is_left_alone(tmp_path, monkeypatch):
    import ray

    seen = refusing(monkeypatch, Exception("twice"), times=9)
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    with pytest.raises(BadInput, match="--engine ray: this process has a Ray already"):
        sweep.run(suite({"minimax": {}}, seeds=2), tmp_path / "ray", engine=on_ray())
    assert seen == []


def test_an_interrupt_lets_go_of_ray(tmp_path, monkeypatch):
    seen = refusing(monkeypatch, KeyboardInterrupt(), times=9)
    with pytest.raises(KeyboardInterrupt):
        sweep.run(suite({"minimax": {}}, seeds=2), tmp_path / "ray", engine=on_ray())
    assert seen == ["init", "shutdown"]


def test_where_a_cluster_is_may_stand_in_the_environment(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    words = ("--engine", "ray", "--ray-address", "auto", "--out", tmp_path / "out")
    assert typed(monkeypatch, "run", "smoke", *words) == 2
    assert "--ray-address: 127.0.0.1:9: cannot be reached" in capsys.readouterr().err


def test_what_auto_finds_is_asked_by_a_process_that_can_be_ended(monkeypatch):
    """A cluster that was killed leaves its address behind, and Ray would try it for minutes."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(engine, "PATIENCE_FOR_A_SIGN", 0.01)
    with pytest.raises(BadInput, match="--ray-address: auto: cannot be reached: no cluster answer"):
        on_ray("auto")


@pytest.mark.parametrize(
    "words, told",
    [
        (["--engine", "slurm"], "--engine: 'slurm' is none of local, ray"),
        (["--ray-cpus", "2"], "--ray-cpus: goes with --engine ray"),
        (["--ray-address", "auto"], "--ray-address: goes with --engine ray"),
        (["--engine", "ray", "--ray-cpus", "0"], "--ray-cpus: 0 must be at least 1"),
        (["--engine", "ray", "--ray-cpus", "9999"], "--ray-cpus: 9999: this machine has"),
        (["--engine", "ray", "--ray-address", "127.0.0.1:9"], "127.0.0.1:9: cannot be reached"),
        (["--engine", "ray", "--ray-address", "a:b"], "--ray-address: 'a:b' is none of"),
        (["--engine", "ray", "--ray-address", "[::1]:9"], "[::1]:9: cannot be reached: [Errno"),
        (["--engine", "ray", "--ray-address", ""], "--ray-address: '' is none of HOST:PORT"),
        (["--engine", "ray", "--ray-address", "ray://a"], "--ray-address: 'ray://a' is none of"),
        (["--engine", "ray", "--ray-address", "a:9/b"], "--ray-address: 'a:9/b' is none of"),
        (["--engine", "ray", "--ray-address", "ray://[::1]"], "'ray://[::1]' is none of"),
        (["--engine", "ray", "--checkpoint-every", "9"], "there are no checkpoints with --engine"),
        (["--engine", "ray", "--device", "cpu:4"], "--device: 'cpu:4': with --engine ray it is"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, words, told):
    assert typed(monkeypatch, "run", "smoke", "--out", tmp_path / "out", *words) == 2
    error = capsys.readouterr().err
    assert told in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_is_no_cluster_is_not_waited_for(tmp_path, monkeypatch, capsys):
    """Somebody listens, and says nothing."""
    monkeypatch.setattr(engine, "PATIENCE_FOR_A_SIGN", 3.0)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        words = ("--engine", "ray", "--ray-address", address, "--out", tmp_path / "out")
        assert typed(monkeypatch, "run", "smoke", *words) == 2
    told = f"error: --ray-address: {address}: cannot be reached: no cluster answered in 3 s\n"
    assert capsys.readouterr().err == told and not (tmp_path / "out").exists()
    assert time.monotonic() - began < 30


def test_what_ray_itself_refuses_leaves_nothing_behind(tmp_path, monkeypatch, capsys):
    """There is no Ray here to be found."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    words = ("--engine", "ray", "--ray-address", "auto", "--out", tmp_path / "out")
    assert typed(monkeypatch, "run", "smoke", *words) == 2
    assert "--ray-address: auto: cannot be reached" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
