"""`ganbench judge train`: what it writes where, and what it says of it."""

import hashlib
import json

import pytest
from commands import typed

from ganbench.errors import BadInput
from ganbench.judges.files import load
from ganbench.judges.images import KNOWN, reader, weights_path
from ganbench.judges.lessons import LESSONS
from ganbench.tasks.base import Judge

SHORT = LESSONS["digits"]._replace(steps=100, folds=3)


@pytest.mark.slow
def test_a_judge_in_the_package_stays_and_the_new_one_is_held_against_it(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(LESSONS, "digits", SHORT)
    monkeypatch.chdir(tmp_path)
    assert typed(monkeypatch, "judge", "train", "digits") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [f"fit {n} of 4" for n in range(1, 5)]
    written = tmp_path / "build" / "judges"
    made = json.loads((written / "digits.json").read_text())
    low, high = made["fold_accuracy_interval_95"]
    told = f"accuracy over 3 folds {made['fold_accuracy_mean']:.4f} [{low:.4f}, {high:.4f}], n = 3"
    assert told in lines
    assert made["rates"]["accuracy"] > 0.9
    content = (written / "digits.npz").read_bytes()
    assert hashlib.sha256(content).hexdigest() == made["sha256"]
    assert lines[-2].startswith("agrees with the judge in use on 9")
    assert lines[-1].endswith("not the file in use to the bit")


@pytest.mark.slow
def test_a_judge_of_a_users_own_is_written_once_and_stays(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)
    path = weights_path("fashion-mnist")

    def judge():
        if not path.exists():
            raise BadInput("no weights")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        return Judge(reader(KNOWN["digits"].net), load(path, found), found)

    lesson = SHORT._replace(judge=judge, sha256=None, steps=20, folds=2)
    monkeypatch.setitem(LESSONS, "fashion-mnist", lesson)
    words = ("judge", "train", "fashion-mnist")
    assert typed(monkeypatch, *words, "--out", "elsewhere") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "wrote elsewhere/fashion-mnist.npz"
    assert not path.exists()
    assert typed(monkeypatch, *words) == 0
    told = f"wrote {path}: the judge of fashion-mnist from now on"
    assert capsys.readouterr().out.splitlines()[-1] == told
    first = path.stat().st_mtime_ns
    assert typed(monkeypatch, *words) == 0
    assert path.stat().st_mtime_ns == first
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "agrees with the judge in use on 100.0% of the held-out data",
        "wrote build/judges/fashion-mnist.npz, equal to the file in use to the bit",
    ]
    path.unlink()
    monkeypatch.setitem(LESSONS, "fashion-mnist", lesson._replace(sha256="pinned"))
    assert typed(monkeypatch, *words) == 2  # a damaged package is no reason to train
    assert "no weights" in capsys.readouterr().err
