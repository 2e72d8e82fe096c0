"""`ganbench compare` as a user types it: exit codes, files, rows that are picked, bad input."""

import json

import numpy as np
import pandas as pd
import pytest
from boards import board, runs
from commands import typed

from ganbench.errors import BadInput
from ganbench.sides import side


@pytest.fixture
def written(tmp_path):
    """Writes a folder of hand-made results; gives its path."""

    def write(name, *parts):
        folder = tmp_path / name
        folder.mkdir()
        pd.concat(parts).to_csv(folder / "runs.csv", index=False)
        board(*parts).to_csv(folder / "leaderboard.csv", index=False)
        return folder

    return write


def test_two_methods_of_one_leaderboard(written, monkeypatch, capsys):
    """Their runs are pairs: the same replicates see the same data."""
    both = written(
        "both", runs("r1", 16, 16, hyperparameters='{"r1.gamma":1.0}'), runs("mine", 2, 16)
    )
    assert typed(monkeypatch, "compare", both, both, "--methods", "r1,mine", "--json") == 1
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["method"], row["test"]) == ("r1 to mine", "paired")
    assert row["success_difference"] == -0.875 and row["verdict"] == "regressed"
    assert typed(monkeypatch, "compare", both, both, "--methods", "mine,r1") == 0
    capsys.readouterr()
    for methods, told in (("r1", "must be two names"), ("r1,no", "'no' has no row in")):
        assert typed(monkeypatch, "compare", both, both, "--methods", methods) == 2
        assert told in capsys.readouterr().err


def test_a_method_of_two_settings_is_no_one_row(written, monkeypatch, capsys):
    texts = ['{"learning_rate":0.1,"r1.gamma":1.0}', '{"learning_rate":0.1,"r1.gamma":2.0}']
    both = written("both", *(runs("r1", 4, 4, hyperparameters=x) for x in texts))
    assert typed(monkeypatch, "compare", both, both, "--methods", "r1,r1") == 2
    assert "more than one row on ring" in capsys.readouterr().err


def test_exit_codes(written, monkeypatch, capsys):
    """0 where nothing regressed, 1 where something did, 2 where nothing can be said."""
    good, bad = written("good", runs("a", 16, 16)), written("bad", runs("a", 2, 16))
    other = written("other", runs("a", 16, 16, judge_hash="k"))
    assert typed(monkeypatch, "compare", good, good) == 0
    assert typed(monkeypatch, "compare", bad, good) == 0
    assert "improved" in capsys.readouterr().out
    assert typed(monkeypatch, "compare", good, bad) == 1
    out = capsys.readouterr().out
    assert "regressed" in out and "1.00 to 0.12" in out
    assert typed(monkeypatch, "compare", good, other) == 2
    out, err = capsys.readouterr()
    assert not out and len(err.splitlines()) == 1 and "judge_hash (j in A, k in B)" in err
    assert typed(monkeypatch, "compare", good, other, "--force") == 2
    assert typed(monkeypatch, "compare", good, good / "nothing") == 2
    assert typed(monkeypatch, "compare", good, bad, "--alpha", "1e-9") == 0
    capsys.readouterr()
    for alpha in ("0", "1", "nan", "-1"):
        assert typed(monkeypatch, "compare", good, bad, "--alpha", alpha) == 2
        assert "--alpha" in capsys.readouterr().err


def test_files_compare_as_folders_do_but_for_pairs(written, monkeypatch, capsys):
    folders = [written("a", runs("a", 16, 16)), written("b", runs("a", 2, 16))]
    made = {}
    for name in ("", "leaderboard.csv"):
        assert typed(monkeypatch, "compare", *(f / name for f in folders), "--json") == 1
        made[name] = json.loads(capsys.readouterr().out)
    (of_folder,), (of_file,) = (one["rows"] for one in made.values())
    assert (of_folder["test"], of_file["test"]) == ("paired", "unpaired")
    same = {"success_difference": -0.875, "verdict": "regressed", "n_a": 16, "n_needed": None}
    assert same.items() <= of_folder.items() and same.items() <= of_file.items()
    assert made[""]["regressed"] is True and made[""]["alpha"] == 0.05


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda frame: pd.concat([frame, frame]), "is there twice"),
        (lambda frame: frame.assign(n=0), "of 0 runs"),
        (lambda frame: frame.assign(successes=17), "17 successes of 16 runs"),
        (lambda frame: frame.assign(n="many"), "whole numbers"),
        (lambda frame: frame.drop(columns="successes"), "no column successes"),
        (lambda frame: frame.assign(success_low="x"), "success_low"),
        (lambda frame: frame.assign(success_rate=0.5), "a rate of 0.5, 16 successes of 16"),
        (lambda frame: frame.assign(n=10**12, successes=10**12), "runs"),
        (lambda frame: frame.assign(n=2**63), "runs"),
        (lambda frame: frame.assign(kid_mean=1.0), "no column kid_low"),
    ],
)
def test_a_broken_leaderboard_is_one_line(written, change, told):
    path = written("a", runs("a", 16, 16)) / "leaderboard.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(BadInput, match=told) as error:
        side(path)
    assert len(str(error.value).splitlines()) == 1


def test_shown_lists_what_only_one_has(written, monkeypatch, capsys):
    a = written("a", runs("a", 16, 16), runs("old", 3, 16))
    b = written("b", runs("a", 15, 16), runs("young", 3, 16))
    assert typed(monkeypatch, "compare", a, b) == 0
    out = capsys.readouterr().out
    assert "new: young" in out and "gone: old" in out
    assert "1 inconclusive, 1 new, 1 gone" in out
    assert "1 of pairs of runs (McNemar)" in out


def test_where_picks_one_of_two_settings(written, monkeypatch, capsys):
    """Rows without the hyperparameter stay, and runs go with their rows: they are pairs still."""
    texts = ['{"learning_rate":0.1,"r1.gamma":1.0}', '{"learning_rate":0.1,"r1.gamma":2.0}']
    parts = [runs("r1", k, 16, hyperparameters=x) for k, x in zip((16, 8), texts, strict=True)]
    both = written("both", *parts, runs("mine", 2, 16, hyperparameters='{"learning_rate":0.1}'))
    for gamma, difference in (("1", -0.875), ("2.0", -0.375)):
        words = ("--methods", "r1,mine", "--where", f"r1.gamma={gamma}", "--json")
        typed(monkeypatch, "compare", both, both, *words)
        (row,) = json.loads(capsys.readouterr().out)["rows"]
        assert (row["success_difference"], row["test"]) == (difference, "paired")
    typed(monkeypatch, "compare", both, both, "--where", "r1.gamma=2", "--json")
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["hyperparameters"] for row in rows] == [texts[1], '{"learning_rate":0.1}']


@pytest.mark.parametrize(
    "wanted, told",
    [
        ("r1.gamma=3", "no row has r1.gamma = 3; known: 1.0"),
        ("gamma=1", "no row has 'gamma'; known: r1.gamma"),
        ("r1.gamma", "must be NAME=VALUE"),
        ("r1.gamma=", "must be NAME=VALUE"),
        ("r1.gamma=x", "no row has r1.gamma = x"),
    ],
)
def test_where_that_picks_nothing_is_refused(written, monkeypatch, capsys, wanted, told):
    both = written("both", runs("r1", 4, 4, hyperparameters='{"r1.gamma":1.0}'))
    assert typed(monkeypatch, "compare", both, both, "--where", wanted) == 2
    out, err = capsys.readouterr()
    assert not out and len(err.splitlines()) == 1 and told in err


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda frame: frame.assign(success="yes"), "column success must be True or False"),
        (lambda frame: frame.assign(success=0.7), "column success must be True or False"),
        (lambda frame: frame.assign(success=False), "has not the 16 successes"),
        (lambda frame: frame.assign(replicate=0), "is there twice"),
        (lambda frame: frame.assign(seed="x"), "column seed must be whole numbers"),
        (lambda frame: frame.assign(status="fine"), "status 'fine' is none of"),
        (lambda frame: frame.assign(method=np.nan), "column method has an empty cell"),
        (lambda frame: frame.assign(samples="x"), "column samples must be whole numbers"),
        (lambda frame: frame.assign(hyperparameters="[" * 5000), "are no JSON table"),
    ],
)
def test_broken_runs_are_one_line(written, monkeypatch, capsys, change, told):
    folder = written("a", runs("a", 16, 16))
    change(pd.read_csv(folder / "runs.csv")).to_csv(folder / "runs.csv", index=False)
    assert typed(monkeypatch, "compare", folder, folder) == 2
    out, err = capsys.readouterr()
    assert not out and len(err.splitlines()) == 1 and told in err


def test_names_from_files_are_no_markup(written, monkeypatch, capsys):
    folder = written("a", runs("[/b]x[red]", 16, 16))
    assert typed(monkeypatch, "compare", folder, folder) == 0
    assert "[/b]x[red]" in capsys.readouterr().out


def test_names_that_look_like_numbers_are_names(written, monkeypatch, capsys):
    folder = written("a", runs("7", 16, 16), runs("1e5", 16, 16))
    assert typed(monkeypatch, "compare", folder, folder, "--json") == 0
    assert [x["method"] for x in json.loads(capsys.readouterr().out)["rows"]] == ["1e5", "7"]
