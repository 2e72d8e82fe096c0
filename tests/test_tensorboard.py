"""Curves in TensorBoard's files, read record by record."""

import sys

import numpy as np
import pytest
from commands import typed
from grids import suite

from ganbench import sweep
from ganbench.errors import BadInput


def scalars(path):
    """{(name, step): value} of an event file, read by the format's own records."""
    from tensorboardX.proto.event_pb2 import Event

    made, data = {}, path.read_bytes()
    while data:
        length = int.from_bytes(data[:8], "little")
        event = Event.FromString(data[12 : 12 + length])
        data = data[16 + length :]
        made |= {
            (value.tag, event.step): value.simple_value
            for value in event.summary.value
            if value.WhichOneof("value") == "simple_value"
        }
    return made


def test_every_value_of_every_run_is_there_once(tmp_path):
    small = suite({"minimax": {}}, seeds=2, steps=100)
    made = sweep.run(small, tmp_path / "out", tensorboard=True)
    files = sorted((tmp_path / "out/tensorboard/grid/minimax").glob("*/events.*"))
    assert [path.parent.name[-4:] for path in files] == ["-0-0", "-0-1"]
    for replicate, path in enumerate(files):
        ours = (made.curves["method"] == "minimax") & (made.curves["replicate"] == replicate)
        own = made.curves[ours].dropna(subset="mean")
        found = scalars(path)
        assert len(found) == len(own) and {step for _, step in found} == {50, 100}
        for row in own.to_dict("records"):
            assert found[row["metric"], row["step"]] == pytest.approx(np.float32(row["mean"]))
    assert not (tmp_path / "out/progress.json").exists()


def test_without_it_one_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(BadInput, match="needs tensorboardX: pip install"):
        sweep.run(suite({"minimax": {}}), tmp_path / "out", tensorboard=True)
    words = ("run", "smoke", "--tensorboard", "--out", tmp_path / "out")
    assert typed(monkeypatch, *words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
