"""Rank correlations of courses whose order is known, and of a small sweep."""

import json

import numpy as np
import pandas as pd
import pytest
from grids import suite
from test_cli import typed

import ganbench
from ganbench import sweep
from ganbench.diagnostics.informativeness import by_row, correlation, loss_informativeness
from ganbench.errors import BadInput

NAN = np.nan
FALLING = [9.0, 7.0, 4.0, 2.0, 1.0, 0.5]  # a distance that gets better


def tables(courses, task="ring", status="ok"):
    """(runs, curves) of one run per item: {metric: its means at each evaluation}."""
    runs, curves = [], []
    for replicate, course in enumerate(courses):
        own = {"task": task, "method": "wgan", "hyperparameters": "{}", "seed": 0}
        own |= {"replicate": replicate}
        runs.append(own | {"status": status})
        for metric, means in course.items():
            steps = 100 * np.arange(1, len(means) + 1)
            curves.append(pd.DataFrame(own | {"step": steps, "metric": metric, "mean": means}))
    return pd.DataFrame(runs), pd.concat(curves)


def rho_of(course, **more):
    (row,) = loss_informativeness(*tables([course], **more)).itertuples()
    return row.rho, row.evaluations, row.note


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ([-9.0, -7.0, -4.0, -2.0, -1.0, -0.5], 1.0),  # the critic's value 9 ... 0.5 falls with fid
        ([-0.9, -0.7, -0.6, -0.59, -0.58, 7.0], 1.0),  # any that rises with the loss
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1.0),
        ([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], -1.0),
        ([1.0, 2.0, 3.0, 4.0, 6.0, 5.0], 1 - 6 * 2 / (6 * 35)),  # two neighbours exchanged
        ([1.0, 3.0, 2.0, 4.0, 6.0, 5.0], 1 - 6 * 4 / (6 * 35)),
    ],
)
def test_known_orders(loss, expected):
    rho, evaluations, note = rho_of({"loss/d": loss, "fid": FALLING})
    assert (rho, evaluations, note) == (pytest.approx(expected), 6, "")


def test_losses_of_all_discriminators_and_of_no_other_player_count():
    """d + d2 rises; d alone falls, and more than all of them the generator's and the decoder's."""
    d2 = np.arange(6.0) * 10
    down = -np.arange(6.0)
    others = {"loss/g": 100 * down, "loss/decoder": 100 * down}
    course = {"loss/d.first": down, "loss/d2": d2} | others
    assert rho_of(course | {"fid": FALLING})[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("loss", "fid", "evaluations", "note"),
    [
        ([1.0] * 6, FALLING, 6, "constant loss"),
        (FALLING, [2.0] * 6, 6, "constant fid"),
        (FALLING[:4], FALLING[:4], 4, "4 evaluations, 5 needed"),
        (FALLING[:4] + [NAN] * 2, FALLING[:3] + [NAN] * 3, 3, "3 evaluations, 5 needed"),
    ],
)
def test_what_is_undefined_says_why(loss, fid, evaluations, note):
    rho, n, said = rho_of({"loss/d": loss, "fid": fid})
    assert np.isnan(rho) and (n, said) == (evaluations, note)


def test_a_tail_of_nan_is_left_out():
    loss = [1.0, 2.0, 3.0, 4.0, 5.0, NAN, NAN]
    assert rho_of({"loss/d": loss, "fid": [*FALLING, NAN]}) == (pytest.approx(1), 5, "")


def test_infinite_values_have_a_rank():
    made = correlation(np.array([np.inf, 4, 3, 2, 1]), np.array([9, 8, 7, 6, 5.0]))
    assert made.rho == pytest.approx(1)


def test_a_run_that_stopped_or_has_no_discriminator_says_so():
    assert rho_of({"loss/d": [1.0], "fid": [1.0]}, status="diverged")[2] == (
        "diverged: 1 evaluations, 5 needed"
    )
    assert rho_of({"loss/g": FALLING, "fid": FALLING})[2] == "no discriminator's loss"
    runs, curves = tables([{"loss/d": FALLING, "fid": FALLING}])
    failed = runs.assign(replicate=1, status="failed")
    (row,) = loss_informativeness(failed, curves).itertuples()
    assert np.isnan(row.rho) and row.note == "failed: no curves"


def test_rows_have_the_mean_its_interval_and_the_share_that_tells():
    up = {"loss/d": np.arange(6.0), "fid": FALLING}
    nearly = {"loss/d": [1.0, 2.0, 3.0, 4.0, 6.0, 5.0], "fid": FALLING}
    down = {"loss/d": -np.arange(6.0), "fid": FALLING}
    none = {"loss/d": [1.0] * 6, "fid": FALLING}
    runs, curves = tables([up, nearly, down, none, none])
    other = tables([up], task="grid")
    runs, curves = pd.concat([runs, other[0]]), pd.concat([curves, other[1]])
    ring, grid = by_row(loss_informativeness(runs, curves)).to_dict("records")
    rho = np.array([1, 1 - 2 / 35, -1])
    assert (ring["task"], ring["n"], ring["runs"]) == ("ring", 3, 5)
    assert ring["mean"] == pytest.approx(rho.mean())
    half = 4.302653 * rho.std(ddof=1) / np.sqrt(3)  # Student's t, 2 degrees of freedom
    assert half > 1 and (ring["low"], ring["high"]) == (-1, 1)  # cut off
    assert ring["informative"] == pytest.approx(2 / 3)
    assert ring["note"] == "2 of 5: constant loss"
    assert (grid["task"], grid["n"], grid["informative"], grid["note"]) == ("grid", 1, 1, "")
    assert np.isnan([grid["low"], grid["high"]]).all()


def test_rows_stand_by_task_in_order_and_falling_mean():
    runs, curves = [], []
    for task, method, loss in [
        ("ring", "b", -np.arange(6.0)),
        ("ring", "c", np.ones(6)),
        ("ring", "a", np.arange(6.0)),
        ("grid", "d", np.arange(6.0)),
    ]:
        own = tables([{"loss/d": loss, "fid": FALLING}], task=task)
        runs.append(own[0].assign(method=method))
        curves.append(own[1].assign(method=method))
    made = by_row(loss_informativeness(pd.concat(runs), pd.concat(curves)))
    assert made["method"].tolist() == ["a", "b", "c", "d"]


def test_no_curves_is_bad_input():
    with pytest.raises(BadInput, match="no curves.parquet"):
        loss_informativeness(tables([{"loss/d": FALLING}])[0], pd.DataFrame())


@pytest.mark.slow
def test_a_sweep_and_its_command(tmp_path, monkeypatch, capsys):
    made = suite({"wgan": {}, "mdgan": {}, "vae": {}}, steps=60, evaluations=6, curve_samples=256)
    sweep.run(made, tmp_path / "out")
    assert typed(monkeypatch, "informativeness", str(tmp_path / "out"), "--json") == 0
    rows = {row["method"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {"wgan", "mdgan", "vae"}
    assert rows["vae"]["mean"] is None and rows["vae"]["note"] == "2 of 2: no discriminator's loss"
    curves = ganbench.load(tmp_path / "out").curves
    for method, losses in (("wgan", ["loss/d"]), ("mdgan", ["loss/d", "loss/d2"])):
        expected = []
        for replicate in (0, 1):
            own = curves[(curves["method"] == method) & (curves["replicate"] == replicate)]
            value = -sum(own[own["metric"] == x]["mean"].to_numpy() for x in losses)
            fid = own[own["metric"] == "fid"]["mean"].to_numpy()
            apart = value.argsort().argsort() - fid.argsort().argsort()
            expected.append(1 - 6 * (apart**2).sum() / (6 * 35))
        assert rows[method]["n"] == 2
        assert rows[method]["mean"] == pytest.approx(np.mean(expected))
    assert typed(monkeypatch, "informativeness", str(tmp_path / "out")) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "grid" and lines[4].startswith("vae")
    assert lines[4].endswith("2 of 2: no discriminator's loss")
    assert f"{rows['wgan']['mean']:.2f}" in next(x for x in lines if x.startswith("wgan"))
