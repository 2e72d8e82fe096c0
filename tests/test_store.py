"""What is on disk: bit-equal twice and on any number of devices, incremental, refused, atomic."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
from grids import contents, suite, unsealed

import ganbench
from ganbench import registry, results, sweep
from ganbench.errors import BadInput
from ganbench.parts import adam
from ganbench.registry import Entry
from ganbench.schema import KeepTable
from ganbench.wrapping import with_direction

TABLES = ("runs.csv", "curves.parquet", "leaderboard.csv")
METHODS = {"nonsaturating": {}, "gap": {"hyperparameters": {"gap": {"period": 7}}}}


def small(methods=METHODS, **table):
    return suite(methods, **({"seeds": 3, "steps": 100} | table))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first") / "out"
    return folder, sweep.run(small(), folder)


def test_a_folder_holds_what_it_should(first):
    folder, results = first
    names = set(contents(folder))
    tables = {"runs.csv", "curves.parquet", "leaderboard.csv", "provenance.json"}
    assert tables <= names
    assert not [n for n in names if Path(n).name.startswith(".")]
    assert len(results.runs) == 5 * 3 and len(results.leaderboard) == 5
    curve = results.curves.query("method == 'gap' and replicate == 1")
    assert set(curve["step"]) == {50, 100}
    logged = {"loss/d", "loss/g", "grad_norm/g", "grad_norm/d", "modes", "fid"}
    assert logged <= set(curve["metric"])
    assert (results.curves["schema"] == 1).all()
    made = results.provenance
    assert set(made) == {"schema", "suite", "protocols", "made_with"}
    (origin,) = made["made_with"]  # one, because all groups were trained alike
    assert set(origin) == {"schema", "versions", "device", "commit"}
    assert {"ganbench", "jax", "python"} <= set(origin["versions"])
    private = [os.uname().nodename, str(Path.home()), str(folder)]
    assert not [word for word in private if word in (folder / "provenance.json").read_text()]
    assert not any("time" in c or "date" in c for c in results.runs if not c.startswith("cost_"))
    arrays = np.load(next((folder / "samples").glob("grid_gap_*.npz")), allow_pickle=False)
    assert arrays["curve"].shape == (3, 2, 256, 2) and arrays["curve"].dtype == np.float16
    assert arrays["final"].shape == (3, 2500, 2)
    states = np.load(next((folder / "states").glob("grid_gap_*.npz")), allow_pickle=False)
    leaves = [name for name in states.files if "/" in name]
    assert leaves and all(states[name].shape[:2] == (3, 4) for name in leaves)  # lanes, pairs
    for made in (arrays, states):
        assert made["schema"] == 1 and len(made["cells"]) == 3
        assert made["cells"][1].endswith(",0,1]")  # seed, replicate
    scores = results.curves[results.curves["metric"] == "fid"]
    assert set(scores["samples"]) == {2500} and set(results.runs["samples"]) == {2500}


def test_twice_and_on_one_or_two_devices_every_file_is_bit_equal(first, tmp_path):
    folder, _ = first
    sweep.run(small(), tmp_path / "one", devices=jax.devices()[:1])
    sweep.run(small(), tmp_path / "two", devices=jax.devices()[:2])
    assert contents(tmp_path / "two") == contents(folder)
    assert contents(tmp_path / "one") == contents(folder)


@pytest.mark.slow
def test_the_command_line_gives_the_same_bits_on_one_device_two_and_four(tmp_path):
    """With the flags that are shipped and nets of real size, in processes of their own."""
    made = []
    for device in ("cpu:1", "cpu:2", "cpu:4"):
        out = tmp_path / device
        words = ["run", "smoke", "--tasks", "ring", "--methods", "nonsaturating", "--seeds", "8"]
        command = [sys.executable, "-m", "ganbench", *words, "--steps", "60", "--out", str(out)]
        environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
        environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
        subprocess.run([*command, "--device", device], check=True, env=environment, timeout=300)
        made.append(contents(out))
    assert len(made[0]) > 10 and made[0] == made[1] == made[2]


def test_only_what_is_missing_is_trained_and_old_rows_stay(first, tmp_path):
    whole = contents(first[0])
    trained = []
    progress = sweep.Progress(group=trained.append)
    sweep.run(small({"gap": METHODS["gap"]}), tmp_path / "out", progress=progress)
    assert trained == ["grid real", "grid held-out", "grid noise", "grid gap"]
    trained.clear()
    sweep.run(small(), tmp_path / "out", progress=progress)
    assert trained == ["grid nonsaturating"]
    after = contents(tmp_path / "out")
    assert {n: after[n] for n in TABLES} == {n: whole[n] for n in TABLES}
    trained.clear()
    sweep.run(small(), tmp_path / "out", progress=progress)
    assert trained == [] and contents(tmp_path / "out") == after


@pytest.mark.slow
def test_more_seeds_are_added_to_those_there(first, tmp_path):
    shutil.copytree(first[0], tmp_path / "out")
    before = first[1].runs
    more = sweep.run(small(seeds=4), tmp_path / "out")
    assert len(more.runs) == 5 * 4 and len(more.provenance["made_with"]) == 1
    sweep.run(small(seeds=4), tmp_path / "four")  # all four at once: the same runs
    both = contents(tmp_path / "out"), contents(tmp_path / "four")
    assert all(both[0][name] == both[1][name] for name in TABLES)
    kept = more.runs[more.runs["cell"].isin(before["cell"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        kept[kept["method"] == "gap"].reset_index(drop=True),
        before[before["method"] == "gap"].reset_index(drop=True),
        check_dtype=False,
    )


def test_another_protocol_is_refused_by_its_first_differing_key_and_nothing_is_written(first):
    folder, _ = first
    before = contents(folder)
    with pytest.raises(BadInput, match=r"grid\.budget\.steps \(100 there, 200 here\)"):
        sweep.run(small(steps=200, evaluations=2), folder)
    with pytest.raises(BadInput, match=r"grid\.budget\.width"):
        sweep.run(small(width=9), folder)
    assert contents(folder) == before


def test_an_empty_folder_is_bound_to_no_protocol(tmp_path):
    sweep.run(small(), tmp_path / "out", max_minutes=1e-9)  # stopped before its first group
    made = sweep.run(small(steps=50), tmp_path / "out", max_minutes=1e-9)
    assert made.provenance["protocols"]["grid"]["budget"]["steps"] == 50


def test_a_new_version_of_a_method_is_trained_anew_and_not_pooled_with_the_old(
    first, tmp_path, monkeypatch
):
    shutil.copytree(first[0], tmp_path / "out")
    entry = registry.METHODS["gap"]
    monkeypatch.setitem(registry.METHODS, "gap", entry._replace(version=entry.version + 1))
    trained = []
    made = sweep.run(small(), tmp_path / "out", progress=sweep.Progress(group=trained.append))
    assert trained == ["grid gap"]
    assert made.leaderboard["n"].tolist() == [3] * 5 and len(made.runs) == 15
    assert not made.curves.duplicated(["method", "replicate", "step", "metric"]).any()


@pytest.mark.slow
def test_samples_and_states_are_kept_or_not_as_the_suite_says(tmp_path):
    plain = small({"r1": {}}, seeds=1, steps=50)
    for name in ("samples", "states"):
        keep = KeepTable(**{name: False})
        out = tmp_path / name
        sweep.run(plain.model_copy(update={"keep": keep}), out)
        kinds = {path.parent.name for path in out.rglob("*.npz")}
        assert kinds == {"samples", "states"} - {name}


def test_a_broken_file_is_named(first, tmp_path):
    shutil.copytree(first[0], tmp_path / "out")
    (tmp_path / "out" / "curves.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match="curves.parquet: altered, cut short"):
        ganbench.load(tmp_path / "out")
    path = next((tmp_path / "out" / "groups").glob("*/runs.csv"))
    unsealed(tmp_path / "out")
    pd.read_csv(path).drop(columns="protocol_hash").to_csv(path, index=False)
    with pytest.raises(BadInput, match="not runs: no column protocol_hash"):
        sweep.run(small(), tmp_path / "out")


def test_tables_without_their_groups_are_not_written_over(first, tmp_path):
    for name in ("runs.csv", "leaderboard.csv"):
        (tmp_path / name).write_bytes((first[0] / name).read_bytes())
    before = contents(tmp_path)
    with pytest.raises(BadInput, match="can be read, not added to"):
        sweep.run(small(methods={"r1": {}}), tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_that_cannot_be_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="cannot be"):
        sweep.run(small(), tmp_path / name)


def test_two_stabilizers_that_replace_one_thing_are_refused_before_anything_is_written(
    tmp_path, monkeypatch
):
    def greedy():
        return with_direction(adam(0.5, 0.9), "greedy")

    monkeypatch.setitem(registry.METHODS, "greedy", Entry(greedy, "modifier"))
    with pytest.raises(BadInput, match="wgan and greedy both replace the optimizer's direction"):
        sweep.run(small(methods={"nonsaturating": {}, "wgan+greedy": {}}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    wide = {"nonsaturating": {}, "gap": {"hyperparameters": {"gap": {"pairs": 128}}}}
    with pytest.raises(BadInput, match="128 pairs need a batch of as many"):
        sweep.run(small(methods=wide), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_order_of_rows_is_the_suites_whatever_was_trained_last(first, tmp_path):
    sweep.run(small(), tmp_path / "out", methods=["gap"])
    sweep.run(small(), tmp_path / "out", methods=["nonsaturating"])
    assert contents(tmp_path / "out")["runs.csv"] == contents(first[0])["runs.csv"]


def test_a_folder_that_is_no_results_folder_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(BadInput, match="neither empty nor a results folder"):
        sweep.run(small(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
    (tmp_path / "provenance.json").write_text('{"schema": 99}')
    with pytest.raises(BadInput, match="reads schema 1"):
        sweep.run(small(), tmp_path)
    (tmp_path / "provenance.json").write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        sweep.run(small(), tmp_path)


def test_a_time_limit_records_the_group_in_flight_and_a_later_call_trains_it(tmp_path):
    made = sweep.run(small(), tmp_path / "out", max_minutes=1e-9)
    assert made.runs.empty and made.leaderboard.empty  # no group starts past its limit
    clock = iter([0.0, 0.0, 99.0])  # the deadline is set, a group starts, and its time runs out

    class Clock:
        monotonic = staticmethod(lambda: next(clock, 99.0))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "time", Clock)
        made = sweep.run(small(), tmp_path / "out", max_minutes=1)
    assert set(made.runs["method"]) == {"real"} and set(made.runs["status"]) == {"failed"}
    assert set(made.runs["reason"]) == {"Stopped: time limit"}
    assert made.leaderboard["n_failed"].tolist() == [3]
    again = sweep.run(small(), tmp_path / "out")
    assert len(again.runs) == 15 and "failed" not in set(again.runs["status"])


def test_load_gives_the_tables_that_run_returned(first):
    folder, results = first
    again = ganbench.load(folder)
    pd.testing.assert_frame_equal(again.runs, results.runs)
    pd.testing.assert_frame_equal(again.leaderboard, results.leaderboard)
    pd.testing.assert_frame_equal(again.curves, results.curves)
    with pytest.raises(BadInput, match="no such file"):
        ganbench.load(folder / "nowhere")


def test_many_runs_are_read_as_each_alone_is(first, tmp_path):
    paths = sorted((first[0] / "groups").glob("*/runs.csv"))
    assert len(paths) == 5
    for one, path in zip(results.read_many(paths), paths, strict=True):
        pd.testing.assert_frame_equal(one, results.read_runs(path), check_dtype=False)
    runs = pd.read_csv(paths[1])
    for name, change, told in (
        ("lacking", runs.drop(columns="status"), "no column status"),
        ("twice", pd.concat([runs, runs]), "is there twice"),
        ("strange", runs.assign(status="fine"), "status 'fine' is none of"),
    ):
        change.to_csv(tmp_path / name, index=False)
        with pytest.raises(BadInput, match=f"{tmp_path / name}: .*{told}"):
            results.read_many([paths[0], tmp_path / name, paths[2]])
    wide = runs.assign(note="two\nlines")
    wide.to_csv(tmp_path / "wide", index=False)  # other columns: read alone
    found = results.read_many([paths[0], tmp_path / "wide"])
    assert found[1]["note"].tolist() == ["two\nlines"] * 3 and "note" not in found[0]
    assert results.read_many([]) == []
