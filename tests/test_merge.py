"""Result folders, joined: the tables of all their runs, the newest of each cell."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from commands import typed
from grids import contents, suite, unsealed

from ganbench import sweep
from ganbench.arrays import read_npz
from ganbench.errors import BadInput
from ganbench.merge import merge
from ganbench.results import load
from ganbench.schema import KeepTable

BOTH = {"nonsaturating": {}, "minimax": {}}


def trained(folder, methods=BOTH, **table):
    made = suite(methods, **({"seeds": 3, "steps": 50} | table))
    sweep.run(made.model_copy(update={"keep": KeepTable(samples=True, states=True)}), folder)
    return folder


def aged(folder, seconds):
    for path in folder.glob("groups/*/runs.csv"):
        os.utime(path, (seconds, seconds))
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Both methods, three seeds."""
    return trained(tmp_path_factory.mktemp("whole") / "out")


@pytest.fixture
def copy(whole, tmp_path):
    """Copies of the folder, by name."""

    def made(name):
        return shutil.copytree(whole, tmp_path / name)

    return made


def only(folder, *methods):
    """Leaves the groups of some methods and makes the tables anew."""
    for path in folder.glob("groups/*"):
        if path.name.split("_")[1] not in methods:
            shutil.rmtree(path)
    return folder


def changed(folder, method, replicate, **values):
    """Writes other values into a run, as if another machine had trained it."""
    for path in unsealed(folder).glob(f"groups/*_{method}_*/runs.csv"):
        runs = pd.read_csv(path)
        for name, value in values.items():
            runs.loc[runs["replicate"] == replicate, name] = value
        runs.to_csv(path, index=False)
    return folder


def test_parts_join_to_what_was_trained_at_once(whole, copy, tmp_path):
    a = only(copy("a"), "real", "held-out", "noise", "minimax")
    b = only(copy("b"), "nonsaturating")
    for name in ("samples", "states"):  # what is of the other's groups is not taken along
        assert len(list((a / name).iterdir())) > 0
    assert merge([a, b], tmp_path / "out") == []
    assert contents(tmp_path / "out") == contents(whole)


def test_the_same_twice_is_no_conflict(whole, copy, tmp_path):
    changed(copy("b"), "minimax", 1, cost_compile_s=99.0, commit="other", device="gpu")
    assert merge([whole, tmp_path / "b"], tmp_path / "out") == []
    assert len(load(tmp_path / "out").runs) == len(load(whole).runs)


@pytest.mark.parametrize("older", ["a", "b"])
def test_the_newest_run_is_kept_whatever_the_order(whole, copy, tmp_path, older):
    a, b = aged(copy("a"), 1e9), aged(changed(copy("b"), "minimax", 1, modes=3.5), 1e9)
    aged(tmp_path / older, 9e8)
    (conflict,) = merge([a, b], tmp_path / "out")
    assert conflict.run["method"] == "minimax" and conflict.run["replicate"] == 1
    runs = load(tmp_path / "out").runs.query("method == 'minimax' and replicate == 1")
    was = load(whole).runs.query("method == 'minimax' and replicate == 1")["modes"].item()
    values = {"a": was, "b": 3.5}
    newer = {"a": "b", "b": "a"}[older]
    assert runs["modes"].item() == conflict.kept == values[newer]
    assert (conflict.column, conflict.left) == ("modes", values[older])
    assert (conflict.kept_from, conflict.left_from) == (tmp_path / newer, tmp_path / older)


@pytest.mark.slow
def test_a_group_of_which_others_have_newer_runs_is_cut(whole, tmp_path):
    """Five seeds of an older folder: three are trained again, two stay, with all that is theirs."""
    a = aged(trained(tmp_path / "a", {"minimax": {}}, seeds=5), 9e8)
    merge([a, whole], tmp_path / "out")
    found = load(tmp_path / "out")
    assert len(found.runs.query("method == 'minimax'")) == 5
    assert sorted(found.runs["cell"]) == sorted({*load(a).runs["cell"], *load(whole).runs["cell"]})
    (path,) = [
        p for p in (tmp_path / "out/groups").glob("*minimax*/runs.csv") if len(pd.read_csv(p)) == 2
    ]
    (source,) = a.glob("groups/*minimax*")
    for name in ("runs.csv", "scores.csv"):  # as text: no digit moves
        before = (source / name).read_text().splitlines()
        after = (path.parent / name).read_text().splitlines()
        assert set(after) < set(before) and after[0] == before[0]
    curves = pd.read_parquet(path.parent / "curves.parquet")
    assert set(curves["replicate"]) == {3, 4}
    for kind in ("samples", "states"):
        old = read_npz(a / kind / f"{source.name}.npz")
        new = read_npz(tmp_path / "out" / kind / f"{path.parent.name}.npz")
        assert old.keys() == new.keys()
        for name, values in new.items():
            shared = name in ("schema", "steps")
            np.testing.assert_array_equal(values, old[name] if shared else old[name][3:])


def test_a_run_that_the_program_stopped_gives_way(whole, copy, tmp_path):
    b = aged(changed(copy("b"), "minimax", 1, status="failed", modes=np.nan), 2e9)
    assert merge([whole, b], tmp_path / "out") == []
    runs = load(tmp_path / "out").runs.query("method == 'minimax'")
    assert "failed" not in set(runs["status"]) and len(runs) == 3


def test_a_merged_folder_is_one_to_go_on_with(whole, copy, tmp_path):
    """Nothing that it holds is trained again."""
    merge([whole, copy("b")], tmp_path / "out")
    before = contents(tmp_path / "out")
    trained(tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_bad_input_writes_nothing(whole, copy, tmp_path):
    out = tmp_path / "out"
    other = trained(tmp_path / "other", {"minimax": {}}, steps=100, evaluations=1)
    with pytest.raises(BadInput, match=r"other: of another protocol: grid.budget.steps \(50 in"):
        merge([whole, other], out)
    with pytest.raises(BadInput, match="at least two"):
        merge([whole], out)
    with pytest.raises(BadInput, match="nowhere: no results folder"):
        merge([whole, tmp_path / "nowhere"], out)
    b = copy("b")
    with pytest.raises(BadInput, match="a new or an empty folder"):
        merge([whole, b], other)
    with pytest.raises(BadInput, match="named twice"):
        merge([b, tmp_path / "nowhere" / ".." / "b"], out)
    for inside in (b / "groups" / "in", b / "new", tmp_path):
        with pytest.raises(BadInput, match="must not lie in"):
            merge([whole, b], inside)
    assert not (b / "new").exists()
    with pytest.raises(BadInput, match="cannot be written"):
        merge([whole, b], tmp_path / ("x" * 300))
    assert not out.exists() and not list(tmp_path.glob(".*"))


def test_the_command_lists_what_it_left(whole, copy, tmp_path, monkeypatch, capsys):
    b = aged(changed(copy("b"), "minimax", 1, modes=3.5), 2e9)
    out = tmp_path / "out"
    assert typed(monkeypatch, "merge", whole, b, "--out", out) == 0
    told = capsys.readouterr().out
    assert "grid minimax" in told and "modes is 3.5" in told and "1 conflict" in told
    assert typed(monkeypatch, "merge", whole, b, "--out", out) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("name", ["../../x", "/x/y", ".x", "a/b", "x\\y"])
def test_names_in_tables_lead_nowhere(whole, copy, tmp_path, name):
    a, b = changed(copy("a"), "minimax", 0, status="ok"), unsealed(copy("b"))
    for path in [*b.glob("groups/*/runs.csv"), b / "runs.csv"]:
        runs = pd.read_csv(path)
        runs.assign(method=runs["method"].replace("minimax", name)).to_csv(path, index=False)
    before = {p for p in tmp_path.iterdir()}
    merge([a, b], tmp_path / "in" / "out")
    assert {*tmp_path.iterdir()} - before == {tmp_path / "in"}
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["out"]
    names = {p.name.split("_")[0] for p in (tmp_path / "in" / "out" / "groups").iterdir()}
    assert names == {"grid"}
