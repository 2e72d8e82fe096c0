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
from ganbench.report.contents import contents
from ganbench.report.figures import drawings, figures
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


def test_what_is_drawn_is_what_the_tables_hold(folder):
    results = load(folder)
    numbers = contents(results).numbers
    drawn = dict(drawings(results, ["r1", "gap"]))
    rows = {row["label"]: (str(i), row) for i, row in enumerate(numbers["rows"])}
    for name, source in (("survival", numbers["survival"]), ("modes", numbers["bands"]["modes"])):
        (axes,) = drawn[f"{name}-ring"].axes
        lines = {line.get_label(): line for line in axes.lines}
        assert set(lines) == {"gap", "r1"} and len(axes.collections) == 2
        for place, (own, line) in enumerate(lines.items()):
            steps, middle, low, high = source[rows[own][0]]
            np.testing.assert_array_equal(line.get_xydata(), np.transpose([steps, middle]))
            band = axes.collections[place].get_paths()[0].vertices[:, 1]
            assert (band.min(), band.max()) == (min(low), max(high))
            assert line.get_drawstyle() == ("steps-post" if name == "survival" else "default")
    (axes,) = drawn["failures-ring"].axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    points = [line for line in axes.lines if line.get_marker() == "o"]
    bars = [line for line in axes.lines if line.get_marker() != "o"]
    for name, point, bar in zip(names, points, bars, strict=True):
        rate, low, high = rows[name][1]["failed"]
        assert [*point.get_xdata(), *bar.get_xdata()] == [rate, low, high]
    (axes,) = drawn["cost-ring"].axes
    points = [line for line in axes.lines if line.get_marker() == "o"]
    bars = [line for line in axes.lines if line.get_marker() != "o"]
    for text, point, bar in zip(axes.texts, points, bars, strict=True):
        rate, low, high = rows[text.get_text()][1]["success"]
        assert [*point.get_xdata()] == [rows[text.get_text()][1]["seconds"]]
        assert [*point.get_ydata(), *bar.get_ydata()] == [rate, low, high]


def test_no_text_is_cut_off_or_in_a_language_of_its_own(folder):
    """Ticks of a logarithm are numbers; a legend of long names lies within the figure."""
    results = load(folder)
    longer = {"gap": '{"gap.pairs":4,"gap.a_long_name":0.00012345}'}
    frames = [
        frame.assign(hyperparameters=frame["method"].map(longer).fillna("{}"))
        for frame in (results.runs, results.curves, results.leaderboard)
    ]
    again = [frame.assign(hyperparameters="{}") for frame in frames]
    both = [pd.concat(pair, ignore_index=True) for pair in zip(frames, again, strict=True)]
    runs_, curves_, board_ = (frame.drop_duplicates(ignore_index=True) for frame in both)
    told = results._replace(runs=runs_, curves=curves_, leaderboard=board_)
    for name, figure in drawings(told, ["gap", "r1", "wgan"]):
        figure.canvas.draw()
        assert name.startswith(("samples", "failures")) or "$" not in str(
            [text.get_text() for axes in figure.axes for text in axes.get_xticklabels()]
        )
        whole = figure.bbox
        for legend in figure.legends:
            box = legend.get_window_extent()
            assert box.x0 >= whole.x0 - 1 and box.x1 <= whole.x1 + 1, name


def test_nothing_is_written_outside_the_folder(folder):
    frames = [pd.read_csv(folder / f"{name}.csv") for name in ("runs", "leaderboard")]
    for frame, name in zip(frames, ("runs", "leaderboard"), strict=True):
        frame.assign(task="../../evil").to_csv(folder / f"{name}.csv", index=False)
    (folder / "curves.parquet").unlink()
    with pytest.raises(BadInput, match="cannot be part of a file's name"):
        figures(load(folder))
    assert not list(folder.parent.glob("*evil*")) and not (folder / "figures").exists()


def test_rows_of_reference_alone_are_no_figures(folder):
    for name in ("runs", "leaderboard"):
        frame = pd.read_csv(folder / f"{name}.csv")
        frame[frame["method"] == "real"].to_csv(folder / f"{name}.csv", index=False)
    (folder / "curves.parquet").unlink()
    with pytest.raises(BadInput, match="no rows but those of reference"):
        figures(load(folder))


@pytest.mark.slow
def test_equal_results_give_equal_files(folder):
    figures(load(folder))
    before = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    figures(load(folder))
    assert before == {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
