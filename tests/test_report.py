"""The report's numbers, held against counting by hand; `test_browser.py` opens the page."""

import base64
import gzip
import json
import re

import numpy as np
import pandas as pd
import pytest
from boards import board, runs
from commands import typed
from PIL import Image

from ganbench.errors import BadInput
from ganbench.report.autopsy import OF_POINTS, autopsies, picture, quota
from ganbench.report.contents import contents
from ganbench.report.page import page
from ganbench.report.pictures import frames, pictured
from ganbench.report.samples import Kept, counted, frame, kept, strip, tiles, uri
from ganbench.report.series import bands, failures, survival
from ganbench.results import Results
from ganbench.statistics import clopper_pearson
from ganbench.trained import label

STEPS = [100, 200, 300, 400]


def test_failures_are_all_runs_but_those_that_ended_ok():
    """11 of 16 failed, two of the five that are ok did not succeed: success does not matter."""
    status = ["ok"] * 5 + ["collapsed"] * 9 + ["failed"] * 2
    made = failures(board(runs("a", 3, 16, status=status)))
    (row,) = made.to_dict("records")
    assert row["rate"] == 11 / 16 and row["n"] == 16
    assert (row["low"], row["high"]) == pytest.approx(clopper_pearson(11, 16))


def test_survival_falls_at_the_onsets():
    """Ten runs: three fall at step 100, one at 300, one is stopped and not counted, five live."""
    status = ["collapsed"] * 3 + ["oscillating", "failed"] + ["ok"] * 5
    onset = [100, 100, 100, 300, np.nan] + [np.nan] * 5
    made = survival(runs("a", 0, 10, status=status, onset=onset), 400)
    assert made["step"].tolist() == [0, 100, 300, 400]
    np.testing.assert_allclose(made["share"], [1, 6 / 9, 5 / 9, 5 / 9])
    np.testing.assert_allclose(made.loc[1, ["low", "high"]].to_list(), clopper_pearson(6, 9))
    assert set(made["n"]) == {9}


def test_survival_of_what_fails_at_the_last_step_ends_at_zero():
    made = survival(runs("a", 0, 4, status="collapsed", onset=400), 400)
    assert made["step"].tolist() == [0, 400] and made["share"].tolist() == [1, 0]


def curves(method, values, metric="modes", task="ring", hyperparameters="{}"):
    """Curves of one metric: (runs, steps) `values`."""
    made = [
        {
            **dict(task=task, method=method, hyperparameters=hyperparameters, seed=0),
            **dict(replicate=i, step=step, metric=metric, mean=x),
        }
        for i, own in enumerate(values)
        for step, x in zip(STEPS, own, strict=False)
    ]
    return pd.DataFrame(made)


def test_bands_are_quantiles_over_the_runs():
    rng = np.random.default_rng(0)
    values = rng.random((11, 4))
    made = bands(curves("a", values), "modes")
    assert made["step"].tolist() == STEPS and set(made["n"]) == {11}
    mixed = pd.concat([curves("a", values), curves("b", values)]).sample(frac=1, random_state=0)
    both = bands(mixed, "modes").groupby("method")
    assert all(own["step"].tolist() == STEPS for _, own in both)
    pd.testing.assert_frame_equal(both.get_group("a").reset_index(drop=True), made)
    for name, at in (("low", 0.1), ("middle", 0.5), ("high", 0.9)):
        np.testing.assert_allclose(made[name], np.quantile(values, at, axis=0))


def test_a_dead_run_covers_nothing_and_has_no_loss():
    values = np.array([[8.0, 8.0], [8.0, np.nan], [8.0, np.nan]])
    assert bands(curves("a", values), "modes", 0.0)["middle"].tolist() == [8.0, 0.0]
    found = bands(curves("a", values), "modes")
    assert found["middle"].tolist() == [8.0, 8.0] and found["n"].tolist() == [3, 1]


def results(*parts, drawn=None, protocols=None):
    rows = pd.concat(parts, ignore_index=True).assign(reason=np.nan, coverage=1.0)
    rows["onset"] = rows.get("onset", pd.Series(np.nan, rows.index))
    made = {"protocols": protocols or {"ring": {"budget": {"steps": 400}}}}
    return Results(rows, pd.DataFrame() if drawn is None else drawn, board(*parts), made)


def test_contents_are_what_the_tables_hold():
    drawn = pd.concat([curves("a", [[1, 2, 3, 4]] * 4), curves("a", [[0.5] * 4] * 4, "loss/d")])
    made, places = contents(results(runs("a", 4, 4), runs("real", 4, 4), drawn=drawn))
    assert [row["method"] for row in made["rows"]] == ["real", "a"]
    assert places == {("ring", "real", "{}"): 0, ("ring", "a", "{}"): 1}
    row = made["rows"][1]
    assert row["success"][0] == 1 and row["failed"][0] == 0 and row["ended"] == {"ok": 4}
    assert row["seconds"] == 0.2  # half a millisecond a step, 400 steps
    assert made["bands"]["modes"]["1"][:2] == [STEPS, [1, 2, 3, 4]]
    assert made["bands"]["loss/d"]["1"][1] == [0.5] * 4
    assert made["survival"]["1"][:2] == [[0, 400], [1, 1]] and "0" not in made["survival"]
    json.dumps(made, allow_nan=False)


def test_a_box_is_a_row_a_method_without_intervals():
    texts = [json.dumps({"learning_rate": 0.1 * (i + 1), "width": 8}) for i in range(4)]
    parts = [runs("a", i % 2, 1, hyperparameters=x, replicate=i) for i, x in enumerate(texts)]
    boxed = {"ring": {"budget": {"steps": 400}, "box": {"points": 4}}}
    made, places = contents(results(*parts, protocols=boxed))
    (row,) = made["rows"]
    assert row["n"] == 4 and row["success"] == [0.5, None, None] and row["rank"] is None
    assert set(places.values()) == {0} and len(places) == 4
    assert made["tasks"]["ring"]["caution"] is None


def failed_runs():
    onset = [np.nan, 200, np.nan]
    status, reason = ["ok", "collapsed", "failed"], [np.nan, np.nan, "MemoryError: no room"]
    return runs("a", 1, 3, status=status, onset=onset).assign(reason=reason)


def test_every_run_that_failed_has_an_autopsy_of_all_that_was_logged():
    drawn = pd.concat(
        [
            curves("a", [[8, 8, 8, 8], [8, 3, np.nan, np.inf]]),
            curves("a", [[0.123456] * 4, [7.0, 8.0, 9.0, 1e-12]], "loss/g"),
            curves("a", [[1.0], [2.0]], "spectrum/largest"),
        ]
    )
    made = autopsies(failed_runs(), drawn, {("ring", "a", "{}"): 5})
    fell, stopped = made.values()
    assert (fell["status"], fell["onset"], fell["row"]) == ("collapsed", 200, 5)
    assert fell["curves"]["modes"] == [STEPS, [8, 3, None, None]]
    assert fell["curves"]["loss/g"] == [STEPS, [7, 8, 9, 1e-12]]
    assert fell["curves"]["spectrum/largest"] == [[100], [2]]
    assert stopped["reason"] == "MemoryError: no room" and stopped["onset"] is None
    assert stopped["curves"] == {}
    json.dumps(made, allow_nan=False)


@pytest.mark.parametrize(
    "onset, before, after",
    [(200, 100, 200), (150, 100, 200), (100, None, 100), (400, 300, 400), (401, 400, None)],
)
def test_samples_are_those_on_both_sides_of_the_onset(onset, before, after):
    """Images whose brightness is a tenth of their step."""
    shade = np.array([10, 20, 30, 40], np.uint8)
    images = np.broadcast_to(shade[:, None, None, None, None], (4, 6, 2, 2, 1))
    made = picture(Kept("x", np.array(STEPS), images), onset, None)
    assert (made["before"], made["after"]) == (before, after)
    image = decoded(made["picture"])
    shown = sorted(set(image.ravel()) - {255})
    assert shown == [x // 10 for x in (before, after) if x]


def test_pictures_are_of_as_many_failed_runs_as_there_is_room_for(tmp_path, monkeypatch):
    """Of either row the first runs, in the order of the files; the strip is of the first run."""
    monkeypatch.setattr("ganbench.report.autopsy.PICTURES", 6 * OF_POINTS)
    (tmp_path / "samples").mkdir()
    rng = np.random.default_rng(0)
    cells = {m: [label(x) for x in runs(m, 0, 8).to_dict("records")] for m in ("real", "a", "b")}
    for name, own in cells.items():
        points = rng.random((8, 4, 256, 2)).astype(np.float16)
        path = tmp_path / "samples" / f"ring_{name}_0.npz"
        np.savez(path, cells=np.array(own), steps=np.array(STEPS), curve=points)
    failed = {cell: {"row": i, "onset": 200} for i, m in enumerate("ab") for cell in cells[m]}
    rows = {cell: i for i, m in enumerate("ab") for cell in cells[m]}
    strips = pictured(tmp_path, rows, failed)
    shown = [cell for cell, one in failed.items() if "picture" in one]
    assert shown == [*cells["a"][:3], *cells["b"][:3]]
    first = next(run for run in kept(tmp_path, "ring_a_*"))
    assert strips["0"]["picture"] == uri(strip(first.samples, frames(tmp_path)["ring"]))


@pytest.mark.parametrize("images", [False, True])
def test_room_is_shared_out_among_the_rows(images):
    shape = (4, 256, 28, 28, 3) if images else (4, 256, 2)
    each = 12 * 28 * 28 * 3 if images else OF_POINTS
    for rows in (1, 30, 100_000):
        assert quota(rows, np.zeros(shape, np.uint8)) == max(1, 2_500_000 // (rows * each))


def test_what_is_embedded_may_ask_for_nothing(folder):
    policy = re.search('Content-Security-Policy" content="(.*?)">', page(folder)).group(1)
    assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == {
        "default-src": "'none'",
        "script-src": "'unsafe-inline'",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_how_long_runs_are_is_not_made_up():
    """Without provenance there is neither a survival curve nor a cost."""
    made, _ = contents(results(runs("a", 2, 4, onset=100))._replace(provenance={}))
    assert made["survival"] == {} and made["rows"][0]["seconds"] is None


def test_a_box_has_no_interval_over_training_either():
    boxed = {"ring": {"budget": {"steps": 400}, "box": {"points": 4}}}
    text = json.dumps({"learning_rate": 0.1, "width": 8})
    made, _ = contents(results(runs("a", 2, 4, hyperparameters=text, onset=100), protocols=boxed))
    steps, share, low, high = made["survival"]["0"]
    assert len(steps) > 1 and set(low) == set(high) == {None}


def test_no_run_yet_is_bad_input():
    empty = results(runs("a", 1, 1))
    with pytest.raises(BadInput, match="no run is finished yet"):
        contents(empty._replace(runs=empty.runs[:0], leaderboard=empty.leaderboard[:0]))


def decoded(uri):
    import io

    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def test_densities_stand_as_a_plane_does():
    """Points above and to the right are above and to the right."""
    within = frame(np.array([[-1.0, -1.0], [1.0, 1.0]]))
    made = counted(np.array([[0.9, 0.9]] * 5 + [[np.nan, 0.0], [np.inf, 0.0]]), within)
    row, column = np.unravel_index(made.argmax(), made.shape)
    assert row < len(made) / 4 and column > 3 * len(made) / 4 and made.max() == 1
    assert counted(np.full((5, 2), np.nan), within).max() == 0


def test_strips_have_at_most_eight_panels_and_the_last():
    points = np.zeros((25, 16, 2), np.float16)
    points[-1] = 0.9
    image = np.asarray(strip(points, frame(np.array([[-1.0, -1.0], [1.0, 1.0]]))))
    side = image.shape[0]
    assert image.shape[1] == 8 * side
    first, last = image[:, :side], image[:, -side:]
    assert first.argmax() != last.argmax()


def test_tiles_keep_every_image():
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(3, 1).repeat(3, 2)
    made = tiles(images, across=2)
    assert made.shape == (12, 8, 3)
    assert [made[4 * (i // 2), 4 * (i % 2), 0] for i in range(5)] == [0, 1, 2, 3, 4]


EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">&amp;'


@pytest.fixture
def folder(tmp_path):
    """Results of a method whose names and reasons are markup."""
    text = json.dumps({"a.note": EVIL, "learning_rate": 0.1})
    own = runs(EVIL, 1, 3, hyperparameters=text, status=["ok", "collapsed", "failed"])
    own = own.assign(reason=[np.nan, np.nan, EVIL], onset=[np.nan, 200, np.nan], coverage=1.0)
    own.to_csv(tmp_path / "runs.csv", index=False)
    board(own).to_csv(tmp_path / "leaderboard.csv", index=False)
    made = {"schema": 1, "suite": EVIL, "protocols": {"ring": {"budget": {"steps": 400}}}}
    made["made_with"] = [{"device": EVIL, "commit": EVIL, "versions": {"jax": EVIL}}]
    (tmp_path / "provenance.json").write_text(json.dumps(made))
    drawn = curves(EVIL, [[1] * 4] * 3, f"loss/{EVIL}", hyperparameters=text)
    drawn.to_parquet(tmp_path / "curves.parquet")
    return tmp_path


def test_texts_from_files_are_no_markup(folder):
    text = page(folder)
    assert EVIL not in text and "<img src=x" not in text and "alert(1)</script>" not in text
    assert "&lt;img src=x onerror=" in text  # and are shown nonetheless
    numbers = re.search(r'id="numbers">(.*?)</script>', text, re.S).group(1)
    assert json.loads(numbers)["rows"][0]["method"] == EVIL
    packed = re.search(r'id="autopsies">(.*?)</script>', text, re.S).group(1)
    found = json.loads(gzip.decompress(base64.b64decode(packed)))
    assert {run["reason"] for run in found.values()} == {"", EVIL}


def test_equal_results_give_equal_pages(folder):
    assert page(folder) == page(folder)


def test_tables_alone_have_a_report(tmp_path, monkeypatch, capsys):
    """What is committed of a suite: no curves, no samples, no provenance."""
    own = runs("a", 4, 4).assign(coverage=1.0, onset=np.nan, reason=np.nan)
    own.to_csv(tmp_path / "runs.csv", index=False)
    board(own).to_csv(tmp_path / "leaderboard.csv", index=False)
    assert typed(monkeypatch, "report", tmp_path) == 0
    assert "report.html" in capsys.readouterr().out
    assert (tmp_path / "report.html").stat().st_size > 1_000_000
    assert typed(monkeypatch, "report", tmp_path / "nowhere") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
