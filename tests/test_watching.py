"""What a second terminal sees of a training, and what an interrupt leaves behind."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from commands import typed
from grids import suite

from ganbench import sweep
from ganbench.progress import Progress, together
from ganbench.results import load
from ganbench.watching import Status, status, told


def test_what_is_told_can_be_read_until_it_ends(tmp_path):
    with told(tmp_path) as progress:
        progress.begin(3, 3000)
        progress.group("ring gap")
        found = status(tmp_path)
        assert (found.groups, found.all_steps, found.training) == (3, 3000, "ring gap")
        assert found.alive() and found.left() is None and found.pid == os.getpid()
        progress.advance(1000)
        progress.done("ring gap", ["ok", "collapsed", "ok"])
        found = status(tmp_path)
        assert (found.finished, found.steps) == (1, 1000)
        assert found.ended == {"ok": 2, "collapsed": 1}
        assert found.left() == pytest.approx(2 * (found.told - found.began))
    assert status(tmp_path) is None and not list(tmp_path.iterdir())


def test_another_process_of_the_same_number_is_not_it(tmp_path):
    with told(tmp_path) as progress:
        progress.begin(1, 1)
        mine = status(tmp_path)
    assert mine.alive()
    assert not mine._replace(started=mine.started - 60).alive()
    assert not any(mine._replace(pid=pid).alive() for pid in (0, -1, 2**31, 2**70))


def test_it_is_removed_after_an_interrupt_too(tmp_path):
    with pytest.raises(KeyboardInterrupt), told(tmp_path) as progress:
        progress.begin(1, 1)
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_all_watchers_are_told_in_their_order():
    heard = []
    a, b = (Progress(group=lambda label, who=who: heard.append((who, label))) for who in "ab")
    both = together(a, b)
    both.group("ring gap")
    both.note("nothing of this")
    assert heard == [("a", "ring gap"), ("b", "ring gap")]


def test_a_sweep_tells_how_far_it_is_and_leaves_no_trace(tmp_path):
    """Five groups of one method: while the last is trained four are finished."""
    seen = []
    out = tmp_path / "out"
    sweep.run(
        suite({"nonsaturating": {}, "minimax": {}}, seeds=2, steps=50),
        out,
        progress=Progress(group=lambda label: seen.append((label, status(out)))),
    )
    assert [state.finished for _, state in seen] == [0, 1, 2, 3, 4]
    assert all(state.groups == 5 for _, state in seen)
    assert not (out / "progress.json").exists()


def test_curves_of_every_trained_group_are_told(tmp_path):
    made = []
    progress = Progress(curves=made.append)
    sweep.run(suite({"minimax": {}}, seeds=2, steps=50), tmp_path / "out", progress=progress)
    told_of = pd.concat(made, ignore_index=True)
    assert len(made) == 4 and len(told_of) == len(load(tmp_path / "out").curves)


GONE = Status(2**22 + 1, 0.0, 60.0, 4, 1, "ring gap", 4000, 1000, {"ok": 2}, 0.0)


def test_the_command_says_what_it_knows(tmp_path, monkeypatch, capsys):
    sweep.run(suite({"minimax": {}}, seeds=2, steps=50), tmp_path / "out")
    assert typed(monkeypatch, "status", tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "nothing is being trained here" in out and "finished: 8 runs:" in out
    (tmp_path / "out/progress.json").write_text(json.dumps(GONE._asdict()))
    assert typed(monkeypatch, "status", tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "group 2 of 4: ring gap, 1m00s so far, 3m00s to go, but its process is gone" in out
    assert typed(monkeypatch, "status", tmp_path / "out", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["training"]["left"] == 180 and made["training"]["alive"] is False
    wrong = {"groups": "many", "ended": [1], "pid": "x", "training": None}
    whole = Status(1, 0.0, 60.0, 4, 1, "ring gap", 1000, 250, {}, 0.0)._asdict()
    for text in (
        "{}",
        "junk",
        "[]",
        "[" * 10_000,
        *(json.dumps(whole | {k: x}) for k, x in wrong.items()),
    ):
        (tmp_path / "out/progress.json").write_text(text)
        assert typed(monkeypatch, "status", tmp_path / "out") == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert typed(monkeypatch, "status", tmp_path / "nowhere") == 2


@pytest.mark.slow
def test_an_interrupted_command_says_how_to_go_on(tmp_path):
    """Ctrl-C once a group is finished; the command that it prints trains the rest, no more."""
    out = tmp_path / "out"
    words = [sys.executable, "-m", "ganbench", "run", "smoke", "--out", str(out), "--seeds", "2"]
    running = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not (found := status(out) if out.is_dir() else None) or found.finished < 2:
        assert running.poll() is None
        time.sleep(0.1)
    for _ in range(3):  # one is enough, and more disturb nothing
        running.send_signal(signal.SIGINT)
        time.sleep(0.1)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 130 and "Traceback" not in err
    again = shlex.split(err.splitlines()[-1])
    assert again[0] == "ganbench" and again[1:] == words[3:]
    kept = load(out).runs
    assert len(kept) >= 4
    subprocess.run([*words[:3], *again[1:]], check=True, capture_output=True)
    whole = load(out).runs
    assert set(kept["cell"]) < set(whole["cell"])
