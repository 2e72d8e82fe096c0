"""Files that are no longer what was written: named, set aside, and only their group trained."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from commands import typed
from grids import contents, suite
from harm import cut, flipped, gone

import ganbench
from ganbench import sweep
from ganbench.errors import BadInput
from ganbench.files import SUMS
from ganbench.finished import read_arrays
from ganbench.trained import trained

TABLES = ("runs.csv", "scores.csv", "leaderboard.csv", "curves.parquet", "provenance.json")


def small():
    return suite({"nonsaturating": {}}, seeds=2, steps=100)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "out"
    sweep.run(small(), folder)
    return folder


def files_of(folder, method):
    """What a group of `method` consists of: its folder's files and its arrays."""
    return sorted(p for p in folder.glob(f"*/grid_{method}_*/*")) + sorted(
        folder.glob(f"*/grid_{method}_*.npz")
    )


def trained_again(folder):
    """The groups that another call trains, and what it told."""
    groups, notes = [], []
    sweep.run(small(), folder, progress=sweep.Progress(group=groups.append, note=notes.append))
    return groups, notes


def check(whole, folder, path, harm, rng):
    shutil.copytree(whole, folder)
    harmed = folder / path.relative_to(whole)
    harm(harmed, rng)
    groups, notes = trained_again(folder)
    if harm is gone and path.name == SUMS:  # as of an older version: there is nothing to check
        assert groups == [] and notes == []
        return
    assert groups == ["grid nonsaturating"], path
    (told,) = notes
    if path.name != SUMS:  # a bit of a checksum that is flipped is another file's damage
        assert told.startswith(f"{harmed.relative_to(folder)}: ")
    (aside,) = (folder / "damaged").iterdir()
    assert aside.name in told and len(list(aside.iterdir())) >= 6
    shutil.rmtree(folder / "damaged")
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize("harm", [cut, flipped, gone], ids=lambda harm: harm.__name__)
def test_a_table_and_samples_of_a_group(whole, tmp_path, harm):
    rng = np.random.default_rng(0)
    for i, kind in enumerate(("runs.csv", ".npz")):
        path = next(p for p in files_of(whole, "nonsaturating") if p.name.endswith(kind))
        check(whole, tmp_path / str(i), path, harm, rng)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [cut, flipped, gone], ids=lambda harm: harm.__name__)
def test_every_file_of_a_group(whole, tmp_path, harm):
    rng = np.random.default_rng(1)
    files = files_of(whole, "nonsaturating")
    assert len(files) == 7, files  # four tables, their checksums, samples, states
    for i, path in enumerate(files):
        check(whole, tmp_path / str(i), path, harm, rng)


@pytest.mark.parametrize("harm", [cut, flipped], ids=lambda harm: harm.__name__)
def test_a_table_made_of_the_groups_is_refused_where_it_is_read_and_made_anew(
    whole, tmp_path, harm
):
    rng = np.random.default_rng(2)
    read = ("runs.csv", "leaderboard.csv", "curves.parquet", "provenance.json")
    for name in (*read, SUMS):
        folder = tmp_path / name
        shutil.copytree(whole, folder)
        harm(folder / name, rng)
        with pytest.raises(BadInput, match="altered"):
            ganbench.load(folder)
        assert trained_again(folder) == ([], [])
        assert contents(folder) == contents(whole)
    for name in (*TABLES, SUMS):
        harm(folder / name, rng)
    assert trained_again(folder)[0] == []
    for name in (*TABLES, SUMS):
        gone(folder / name, rng)
    assert trained_again(folder)[0] == []
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize("name", [SUMS, "runs.csv"])
def test_what_cannot_be_read_now_is_not_moved(whole, tmp_path, monkeypatch, name):
    """A disk that fails, or a permission that was taken away, says nothing of a file."""
    folder = tmp_path / "out"
    shutil.copytree(whole, folder)
    (broken,) = folder.glob(f"groups/grid_nonsaturating_*/{name}")
    before, opened = contents(folder), Path.open

    def refusing(path, *given, **how):
        if path == broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return opened(path, *given, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refusing)
        with pytest.raises(BadInput, match=f"{name}: cannot be read: Input/output error"):
            sweep.run(small(), folder)
    assert contents(folder) == before and trained_again(folder) == ([], [])


def test_a_listing_that_lacks_a_table_does_not_vouch_for_it(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "out")
    (tmp_path / "out" / SUMS).write_text("")
    with pytest.raises(BadInput, match="altered"):
        ganbench.load(tmp_path / "out")
    assert trained_again(tmp_path / "out") == ([], [])
    assert contents(tmp_path / "out") == contents(whole)


def test_what_others_leave_in_a_groups_folder_is_no_damage(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "out")
    (group,) = (tmp_path / "out" / "groups").glob("grid_nonsaturating_*")
    (group / ".DS_Store").write_text("")
    (group / ".ipynb_checkpoints").mkdir()
    assert trained_again(tmp_path / "out") == ([], [])


@pytest.mark.parametrize("left", [(), ("scores.csv",)])
def test_a_group_of_which_little_is_left_is_trained_again(whole, tmp_path, left):
    """As of a kill while it was removed by an older version, its listing first."""
    shutil.copytree(whole, tmp_path / "out")
    (group,) = (tmp_path / "out" / "groups").glob("grid_nonsaturating_*")
    for path in group.iterdir():
        if path.name not in left:
            path.unlink()
    assert trained_again(tmp_path / "out")[0] == ["grid nonsaturating"]
    shutil.rmtree(tmp_path / "out/damaged")
    assert contents(tmp_path / "out") == contents(whole)


def test_samples_and_states_are_refused_where_they_are_read(whole, tmp_path):
    for kind in ("samples", "states"):
        folder = tmp_path / kind
        shutil.copytree(whole, folder)
        (path,) = (folder / kind).glob("grid_nonsaturating_*.npz")
        arrays = dict(np.load(path))
        np.savez(path, **arrays)  # the same, packed otherwise
        with pytest.raises(BadInput, match=f"{path.name}: altered or cut short"):
            read_arrays(path)
        gone(folder / "groups" / path.stem / SUMS, None)
        assert read_arrays(path).keys() == arrays.keys()  # of an older version
        for name in arrays:
            np.testing.assert_array_equal(read_arrays(path, [name])[name], arrays[name])
    shutil.copytree(whole, tmp_path / "out")
    (path,) = (tmp_path / "out/states").glob("grid_nonsaturating_*.npz")
    flipped(path, np.random.default_rng(0))
    with pytest.raises(BadInput, match="states/.*: altered or cut short"):
        trained(tmp_path / "out")


def test_merge_refuses_a_damaged_group(whole, tmp_path, monkeypatch, capsys):
    shutil.copytree(whole, tmp_path / "a")
    path = files_of(tmp_path / "a", "nonsaturating")[-1]
    flipped(path, np.random.default_rng(3))
    assert typed(monkeypatch, "merge", whole, tmp_path / "a", "--out", tmp_path / "both") == 2
    assert f"{path}: altered" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()


def test_coreutils_can_check_a_folder(whole):
    for folder in (whole, *(whole / "groups").iterdir()):
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", SUMS], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(": OK") >= 4


def test_a_listing_may_not_lead_anywhere_else(whole, tmp_path):
    """It names files of the group alone: another is damage, and is not opened."""
    shutil.copytree(whole, tmp_path / "out")
    (group,) = (tmp_path / "out" / "groups").glob("grid_nonsaturating_*")
    with (group / SUMS).open("a") as file:
        file.write(f"{'0' * 64}  /dev/zero\n")
    groups, notes = trained_again(tmp_path / "out")
    assert groups == ["grid nonsaturating"] and "/dev/zero" in notes[0]


def test_folders_of_before_have_no_sums_and_are_read(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "out")
    for path in (tmp_path / "out").rglob(SUMS):
        path.unlink()
    assert trained_again(tmp_path / "out") == ([], [])
    assert len(ganbench.load(tmp_path / "out").runs) == 8
