"""Image sets of tensorflow-datasets: what is read, and what is said where nothing can be."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from commands import typed
from prepared import needs

from ganbench.errors import BadInput
from ganbench.suite import SUITES
from ganbench.tasks import prepared
from ganbench.tasks.catalogue import PREPARED, TASKS
from ganbench.tasks.sets import SETS, image_set

TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]  # of MNIST, as published
TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]

LOADED = """
import json, pathlib, sys, time
from ganbench.tasks.prepared import load
data = load("mnist")
status = pathlib.Path("/proc/self/status").read_text()  # getrusage's peak is the parent's as well
print(json.dumps({
    "seconds": time.process_time(),
    "megabytes": int(status.split("VmHWM:")[1].split()[0]) / 1e3,
    "tensorflow": "tensorflow" in sys.modules,
    "shapes": [x.shape for x in data],
}))
"""


def test_mnist_is_whole_and_read_without_tensorflow():
    needs("mnist")
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED], capture_output=True, text=True, check=True
    )
    made = json.loads(told.stdout)
    assert not made["tensorflow"]
    assert made["shapes"] == [[60000, 28, 28, 1], [60000], [10000, 28, 28, 1], [10000]]
    assert made["megabytes"] < 1000
    assert made["seconds"] < 20  # of the processor, imports among them


def test_mnist_has_the_published_labels_and_pixels():
    needs("mnist")
    data = prepared.load("mnist")
    assert np.bincount(data.train_labels).tolist() == TRAIN
    assert np.bincount(data.held_out_labels).tolist() == TEST
    assert data.train.dtype == np.uint8
    # LeCun et al.: the mean training pixel is 0.1307 of white, its deviation 0.3081
    assert data.train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert data.train.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    assert data.train.std((1, 2, 3)).min() > 0


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_what_is_known_beforehand_is_so(name):
    needs(name)
    data, known = prepared.load(name), image_set(name)
    shares = np.bincount(data.train_labels) / len(data.train_labels)
    assert len(shares) == len(known.classes)
    assert known.rarest <= shares.min() < known.rarest + 1e-3
    assert data.train.shape[1:] == data.held_out.shape[1:] == known.shape


def test_colours_are_where_they_belong():
    """The sky over ships is bluer than it is red; over frogs there is none."""
    needs("cifar10")
    data = prepared.load("cifar10")
    classes = image_set("cifar10").classes
    red, _, blue = data.train[data.train_labels == classes.index("ship")][:, :8].mean((0, 1, 2))
    assert blue > red + 10
    red, _, blue = data.train[data.train_labels == classes.index("frog")][:, :8].mean((0, 1, 2))
    assert blue < red


def test_a_face_is_the_middle_of_its_photograph():
    from PIL import Image

    photograph = np.zeros((218, 178, 3), np.uint8)
    photograph[39:179, 19:159] = 200
    face = SETS["celeba"].pixels(Image.fromarray(photograph))
    assert face.shape == SETS["celeba"].shape
    assert (face == 200).all()
    assert (
        SETS["celeba"].label({"attributes": {"Male": True, "Smiling": False, "Young": True}}) == 5
    )
    assert SETS["celeba"].classes[5] == "male, serious, young"


def copied(tmp_path):
    """MNIST's folder, a copy that may be spoilt."""
    needs("mnist")
    target = tmp_path / "mnist" / "3.0.1"
    source = prepared.state("mnist").folder
    target.mkdir(parents=True)
    for path in source.iterdir():
        shutil.copyfile(path, target / path.name)
    return target


def spoil(folder, how):
    shard = next(folder.glob("*train.array_record*"))
    info = json.loads((folder / "dataset_info.json").read_text())
    if how == "missing":
        shard.unlink()
    elif how == "empty":
        shard.write_bytes(b"")
    elif how == "truncated":
        shard.write_bytes(shard.read_bytes()[:100_000])
    elif how == "altered":
        content = bytearray(shard.read_bytes())
        content[50_000:60_000] = bytes(10_000)
        shard.write_bytes(content)
    elif how == "tfrecord":
        (folder / "dataset_info.json").write_text(json.dumps(info | {"fileFormat": "tfrecord"}))
    elif how == "no test split":
        info["splits"] = (
            info["splits"][:1] if info["splits"][0]["name"] == "train" else info["splits"][1:]
        )
        (folder / "dataset_info.json").write_text(json.dumps(info))
    elif how == "half":
        folder.rename(folder.with_name("3.0.1.incompleteX1Y2"))
    elif how == "not JSON":
        (folder / "dataset_info.json").write_text("{")
    elif how == "no object":
        (folder / "dataset_info.json").write_text("[]")


SPOILT = {
    "missing": "is missing or empty",
    "empty": "is missing or empty",
    "truncated": "cannot be read",
    "altered": "cannot be read",
    "tfrecord": "prepared as tfrecord, must be array_record",
    "no test split": "there is no split test",
    "half": "half prepared",
    "not JSON": "dataset_info.json cannot be read",
    "no object": "dataset_info.json cannot be read",
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_set_that_is_not_whole_is_one_line_that_says_what_to_type(how, tmp_path, monkeypatch):
    spoil(copied(tmp_path), how)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    prepared.load.cache_clear()
    with pytest.raises(BadInput) as error:
        prepared.load("mnist")
    prepared.load.cache_clear()
    message = str(error.value)
    assert SPOILT[how] in message and "\n" not in message
    assert message.endswith("type: ganbench data prepare mnist")
    # preparing would leave a version that is there as it is
    assert ("; remove " in message) == (how != "half")
    assert typed(monkeypatch, "data", "list") == 0


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("file", "is no folder"),
        ("none", "there is no folder"),
        ("n" * 300, "looked into: File"),
    ],
)
def test_a_folder_that_is_none_is_one_line(where, told, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / where))
    assert told in prepared.state("mnist").reason
    prepared.load.cache_clear()
    with pytest.raises(BadInput, match=told):
        prepared.load("mnist")
    prepared.load.cache_clear()
    assert typed(monkeypatch, "data", "prepare", "mnist") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and (told in error or "TensorFlow" in error)
    assert ("TensorFlow" in error) == (where == "none")
    assert typed(monkeypatch, "data", "list") == 0


def test_a_set_that_may_not_be_read_is_not_to_be_removed(tmp_path, monkeypatch):
    copied(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(prepared.Path, "read_text", refused)
    reason = prepared.state("mnist").reason
    assert reason.endswith("dataset_info.json cannot be read: Permission denied")


def test_the_newest_version_is_read(tmp_path, monkeypatch):
    folder = copied(tmp_path)
    folder.rename(folder.with_name("3.0.10"))
    shutil.copytree(folder.with_name("3.0.10"), folder.with_name("3.0.9"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert prepared.state("mnist").folder == tmp_path / "mnist" / "3.0.10"


@pytest.mark.parametrize("task", ["mnist", "stacked-mnist", "compositional-mnist"])
def test_a_suite_of_images_that_are_not_there_says_so_and_writes_nothing(
    task, tmp_path, monkeypatch, capsys
):
    text = (SUITES / "smoke.toml").read_text()
    changed = text.replace("[tasks.ring]", f"[tasks.{task}]\ncurve_samples = 7000")
    assert changed != text
    (tmp_path / "made.toml").write_text(changed)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    prepared.load.cache_clear()
    for name in PREPARED:  # which another test may have made
        TASKS[name].cache_clear()
    out = tmp_path / "out"
    assert typed(monkeypatch, "run", str(tmp_path / "made.toml"), "--out", str(out)) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "there is no folder" in told
    assert "type: ganbench data prepare mnist" in told
    assert not out.exists()


def test_data_list_says_what_is_ready_and_where(tmp_path, monkeypatch, capsys):
    folder = copied(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert typed(monkeypatch, "data", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["mnist", "ready", str(folder)]
    assert f"not prepared in {tmp_path}" in lines[1]
    assert typed(monkeypatch, "data", "list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(SETS)
    assert [row["ready"] for row in rows] == [True, False, False, False]


def test_a_part_of_a_set_is_called_one(tmp_path, monkeypatch, capsys):
    info = copied(tmp_path) / "dataset_info.json"
    made = json.loads(info.read_text())
    for split in made["splits"]:
        split["shardLengths"] = ["100"] if split["name"] == "train" else ["9"]
    info.write_text(json.dumps(made))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert typed(monkeypatch, "data", "list") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.endswith("(100 + 9 of 60,000 + 10,000 images)")


def test_preparing_asks_for_tensorflow_and_for_a_name(tmp_path, monkeypatch, capsys):
    whole, tmp_path = copied(tmp_path / "whole"), tmp_path / "none"
    tmp_path.mkdir()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as where it is not installed
    assert typed(monkeypatch, "data", "prepare", "mnist") == 2
    assert "pip install -e '.[prepare]'" in capsys.readouterr().err
    assert typed(monkeypatch, "data", "prepare", "mnits") == 2
    assert "known: celeba, cifar10, fashion-mnist, mnist" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
    spoil(whole, "missing")
    monkeypatch.setenv("TFDS_DATA_DIR", str(whole.parents[1]))
    assert typed(monkeypatch, "data", "prepare", "mnist") == 2
    assert "is missing or empty; remove " in capsys.readouterr().err
