"""Figures for papers: what they hold, as text and as points."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from boards import board, runs
from commands import typed
from matplotlib import pyplot
from test_report import STEPS, curves

from ganbench.errors import BadInput
from ganbench.plan import SCHEMA
from ganbench.report.figures import figures
from ganbench.results import load
from ganbench.trained import label


@pytest.fixture
def folder(tmp_path):
    """Four methods on the ring, one with a dollar in its name."""
    names = ("real", "gap", "r1", "wgan", "$x_1$", "ema", "lookahead")
    own = pd.concat(runs(name, 4 - i // 2, 4) for i, name in enumerate(names))
    own = own.assign(coverage=1.0, reason=np.nan)
    own["onset"] = np.where(own["status"] == "ok", np.nan, 200)
    own.to_csv(tmp_path / "runs.csv", index=False)
    board(own).to_csv(tmp_path / "leaderboard.csv", index=False)
    pd.concat(
        [
            curves(name, [[1, 2, 3, 4]] * 4, metric)
            for name in names
            for metric in ("modes", "loss/d")
        ]
    ).to_parquet(tmp_path / "curves.parquet")
    made = {"schema": SCHEMA, "suite": "s", "protocols": {"ring": {"budget": {"steps": STEPS[-1]}}}}
    (tmp_path / "provenance.json").write_text(json.dumps(made))
    (tmp_path / "samples").mkdir()
    points = np.random.default_rng(0).random((4, 4, 256, 2)).astype(np.float16)
    for name in ("real", "gap"):
        cells = [label(run) for run in own[own["method"] == name].to_dict("records")]
        path = tmp_path / "samples" / f"ring_{name}_0.npz"
        np.savez(path, cells=np.array(cells), steps=np.array(STEPS), curve=points)
    return tmp_path


KINDS = ("failures", "survival", "cost", "modes", "loss-d", "samples")


def test_every_kind_is_there_as_svg_and_pdf(folder, monkeypatch, capsys):
    assert typed(monkeypatch, "figures", folder) == 0
    assert "wrote 12 files" in capsys.readouterr().out
    made = {path.name for path in (folder / "figures").iterdir()}
    assert made == {f"{kind}-ring.{form}" for kind in KINDS for form in ("svg", "pdf")}
    for path in (folder / "figures").glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF")
    assert not pyplot.get_fignums()  # none is left open


def text(folder, kind):
    return re.findall(r"<text[^>]*>(.*?)</text>", (folder / f"figures/{kind}-ring.svg").read_text())


def test_text_stays_text_and_a_dollar_a_dollar(folder):
    figures(load(folder))
    assert {"gap", "r1", "$x_1$", "lookahead", "share of runs that failed"} <= set(
        text(folder, "failures")
    )
    assert "real" not in text(folder, "failures")
    assert text(folder, "samples") == ["real", "gap"]


def test_methods_that_are_asked_for_alone(folder, monkeypatch, capsys):
    figures(load(folder), ["r1", "wgan"])
    assert {"r1", "wgan"} <= set(text(folder, "modes"))
    assert not {"gap", "ema"} & set(text(folder, "modes"))
    with pytest.raises(BadInput, match="--methods: 'nope' is none of these results'"):
        figures(load(folder), ["nope"])


@pytest.mark.slow
def test_equal_results_give_equal_files(folder):
    figures(load(folder))
    before = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    figures(load(folder))
    assert before == {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
