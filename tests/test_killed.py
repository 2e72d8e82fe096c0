"""SIGKILL at any moment: the same command goes on, to what an undisturbed one ends with."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from claimed import HEAD
from grids import contents

SUITE = (
    HEAD
    + """
[tasks.grid]
seeds = 5
steps = 3000
evaluations = 15
batch = 64
latent = 2
learning_rate = 1e-3
b1 = 0.5
b2 = 0.999
nets = "mlp"
width = 32
depth = 2
block = 2

[[methods]]
name = "gap"
source = "a test"

[[methods]]
name = "r1+ema"
source = "a test"
"""
)
KILLS = 20


def command(tmp_path, out):
    words = ["run", tmp_path / "small.toml", "--out", out, "--checkpoint-every", "0"]
    return [sys.executable, "-m", "ganbench", *map(str, words), "--device", "cpu:2"]


@pytest.mark.slow
def test_a_sweep_that_is_killed_again_and_again_ends_as_if_it_were_not(tmp_path):
    (tmp_path / "small.toml").write_text(SUITE)
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    how = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    whole = tmp_path / "whole"
    for _ in range(2):  # the second finds its programs in the cache, as those to come do
        subprocess.run(["rm", "-rf", whole], check=True)
        began = time.monotonic()
        subprocess.run(command(tmp_path, whole), check=True, timeout=300, **how)
        took = time.monotonic() - began
    draw, moments = random.Random(7), []
    killed = flying = round_ = 0
    while killed < KILLS:
        out, round_ = tmp_path / f"killed-{round_}", round_ + 1
        while killed < KILLS:
            moment = draw.uniform(0.05, 1) * took
            process = subprocess.Popen(command(tmp_path, out), **how)
            try:
                _, told = process.communicate(timeout=moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                killed += 1
                moments.append(moment / took)
                flying += any(out.glob("inflight/*/*/state-*.npz"))
                continue
            assert process.returncode == 0, told.decode()
            break
        subprocess.run(command(tmp_path, out), check=True, timeout=300, **how)
        assert contents(out) == contents(whole), moments
    assert flying > KILLS // 4, moments  # some were in the midst of a group
