"""Arrays from files of strangers: read whole, or refused in one line."""

import os
import pickle
import zipfile

import numpy as np
import psutil
import pytest
from harm import flipped

from ganbench.arrays import NotNow, npz_writer, read_npz
from ganbench.errors import BadInput
from ganbench.files import SUMS, replace, write_all
from ganbench.finished import write_group


def test_what_was_written_is_read(tmp_path):
    made = {"a": np.arange(3), "b/c": np.array(["x"])}
    npz_writer(made)(tmp_path / "x.npz")
    found = read_npz(tmp_path / "x.npz")
    assert found.keys() == made.keys()
    np.testing.assert_array_equal(found["a"], made["a"])
    assert list(read_npz(tmp_path / "x.npz", ["b/c"])) == ["b/c"]
    with pytest.raises(BadInput, match="cannot be read: .*c is not"):
        read_npz(tmp_path / "x.npz", ["c"])


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    npz_writer({"a": np.zeros(10**7)})(tmp_path / "x.npz")
    assert (tmp_path / "x.npz").stat().st_size < 10**5
    free = psutil.virtual_memory()._replace(available=10**8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(BadInput, match="80,000,128 bytes when unpacked, of 100,000,000 that are"):
        read_npz(tmp_path / "x.npz")
    with zipfile.ZipFile(tmp_path / "x.npz") as packed:
        text = packed.read("a.npy")
    with zipfile.ZipFile(tmp_path / "y.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a", text)  # NumPy takes it for the array too
    with pytest.raises(NotNow, match="80,000,128 bytes when unpacked"):
        read_npz(tmp_path / "y.npz", ["a"])


def test_an_array_larger_than_its_file_is_refused(tmp_path):
    """Its header asks for a petabyte, and three numbers follow."""
    npz_writer({"a": np.arange(3.0)})(tmp_path / "x.npz")
    with zipfile.ZipFile(tmp_path / "x.npz") as packed:
        text = packed.read("a.npy")
    shape = b"(%d,)" % 10**14
    wide = text.replace(b"(3,)", shape).replace(b" " * (len(shape) - 4) + b"\n", b"\n", 1)
    assert len(wide) == len(text)
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as packed:
        packed.writestr("a.npy", wide)
    with pytest.raises(BadInput, match="cannot be read"):
        read_npz(tmp_path / "y.npz")


def test_a_bit_that_is_flipped_is_seen_or_changes_nothing(tmp_path):
    """Of a compressed file: its headers, its deflated stream, its directory at the end."""
    rng, path = np.random.default_rng(0), tmp_path / "x.npz"
    npz_writer({"a": rng.integers(0, 9, 500), "b": np.arange(40.0)})(path)
    whole, before = read_npz(path), path.read_bytes()
    refused = 0
    for _ in range(400):
        path.write_bytes(before)
        flipped(path, rng)
        try:
            found = read_npz(path)
        except BadInput:
            refused += 1
        else:
            assert all(np.array_equal(found[name], whole[name]) for name in found)
    assert 200 < refused < 400


@pytest.fixture
def done(monkeypatch):
    """What was synced, by path, and what renamed, by both, in order."""
    seen = []
    fsync, rename = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda fd: seen.append(os.readlink(f"/proc/self/fd/{fd}")) or fsync(fd)
    )
    monkeypatch.setattr(os, "replace", lambda a, b: seen.append((str(a), str(b))) or rename(a, b))
    return seen


def test_what_is_renamed_is_on_disk_before_and_its_name_after(tmp_path, done):
    new = tmp_path / "new" / "folder"
    half, path = str(new / ".x.tmp"), str(new / "x")
    replace(new / "x", lambda path: path.write_text("whole"))
    parents = [str(tmp_path), str(new.parent)]
    assert done == [*parents, half, (half, path), str(new)]
    done.clear()
    write_all(new, {"y": lambda path: path.write_text("whole")})
    halves = [str(new / f".{name}.tmp") for name in ("y", SUMS)]
    renamed = list(zip(halves, (str(new / "y"), str(new / SUMS)), strict=True))
    assert done == [*halves, *renamed, str(new)]


def test_a_group_is_on_disk_before_its_folder_appears(tmp_path, done):
    files = {"runs.csv": lambda path: path.write_text("whole")}
    write_group(tmp_path, "a", files, {"samples": {"x": np.zeros(3)}})
    group, half = tmp_path / "groups/a", tmp_path / "groups/.a.tmp"
    renamed = done.index((str(half), str(group)))
    assert {str(half / "runs.csv"), str(half / SUMS), str(half)} <= {*done[:renamed]}
    assert str(tmp_path / "samples") in done[:renamed]  # the name of its samples
    assert done[renamed + 1 :] == [str(group.parent)]


class Harm:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was read",))


def test_a_pickle_is_not_read(tmp_path):
    objects = np.empty(1, object)
    objects[0] = Harm()
    np.savez(tmp_path / "x.npz", a=objects)
    (tmp_path / "y.npz").write_bytes(pickle.dumps(Harm()))
    np.save(tmp_path / "z.npy", np.zeros(3))
    (tmp_path / "z.npz").write_bytes((tmp_path / "z.npy").read_bytes())
    for name in ("x.npz", "y.npz", "z.npz", "nowhere.npz"):
        with pytest.raises(BadInput, match=f"{name}: cannot be read"):
            read_npz(tmp_path / name)
