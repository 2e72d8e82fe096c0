"""GAM-II against the same shares computed by hand from a results folder's arrays."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from grids import suite, unsealed
from jax.random import fold_in

from ganbench import sweep
from ganbench.cli import main
from ganbench.errors import BadInput
from ganbench.seeds import fold_name, lane_key
from ganbench.tasks.catalogue import TASKS
from ganbench.tournament import SAMPLES, summary, tournament

METHODS = ("nonsaturating", "wgan-gp", "gap", "ali", "vae", "ema")
BATCH, BATCHES = 64, -(-SAMPLES // 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("gam2") / "out"
    sweep.run(suite(dict.fromkeys(METHODS, {}), steps=100), out)
    return out


@pytest.fixture(scope="module")
def played(folder):
    return tournament(folder)


def arrays(folder, method):
    return np.load(next((folder / "states").glob(f"grid_{method}_*.npz")), allow_pickle=False)


def dense(p, prefix, x):
    return x @ p[f"{prefix}/kernel"] + p[f"{prefix}/bias"]


def net(folder, method, player, lane, pair=()):
    """The two dense layers of a player's net, as a function, read off the file of states."""
    held = arrays(folder, method)
    own = {name: held[name][(lane, *pair)] for name in held.files if name.startswith(f"{player}/")}
    kernels = sorted((n for n in own if n.endswith("kernel")), key=lambda n: n.count("/"))
    outer, inner = (name.removesuffix("/kernel") for name in kernels)
    slope = 0.0 if player == "g" else 0.2

    def apply(x):
        h = dense(own, inner, x)
        return dense(own, outer, np.where(h > 0, h, slope * h))

    return apply


def key_of(lane):
    return lane_key(0, "grid", "gam2", lane)


def latents(lane):
    def one(i):
        key = fold_in(fold_name(key_of(lane), "samples"), i)
        return jax.random.normal(fold_name(key, "latent"), (BATCH, 2), jnp.float32)

    return np.concatenate([one(i) for i in range(BATCHES)])


def data(lane, stream="data"):
    task, key = TASKS["grid"](), fold_name(key_of(lane), stream)
    keys = [fold_name(fold_in(key, i), "real") for i in range(BATCHES)]
    return np.concatenate([task.sample(key, jnp.asarray(task.train), BATCH) for key in keys])


def taken(pairs, method, judge):
    rows = pairs[(pairs["method"] == method) & (pairs["judge"] == judge)]
    (share,) = rows["taken_for_real"]
    return share


@pytest.mark.slow
@pytest.mark.parametrize("judge", ["nonsaturating", "wgan-gp"])
def test_shares_by_hand(folder, played, judge):
    """A logit's boundary is 0; a critic's is midway between its means on data and own samples."""
    shares = []
    other = {"nonsaturating": "wgan-gp", "wgan-gp": "nonsaturating"}[judge]
    for lane in range(2):
        d = net(folder, judge, "d", lane)
        seen = d(net(folder, other, "g", lane)(latents(lane)))
        middle, side = 0.0, 1.0
        if judge == "wgan-gp":
            real, own = d(data(lane)), d(net(folder, judge, "g", lane)(latents(lane)))
            middle, side = (real.mean() + own.mean()) / 2, np.sign(real.mean() - own.mean())
        shares.append(np.mean(side * (seen - middle) > 0))
    assert taken(played[1], other, judge) == pytest.approx(np.mean(shares), abs=2 / SAMPLES)


@pytest.mark.slow
def test_every_pair_of_gap_judges(folder, played):
    x = [net(folder, "nonsaturating", "g", lane)(latents(lane)) for lane in range(2)]
    own = [
        np.mean([np.mean(net(folder, "gap", "d", i, (pair,))(x[i]) > 0) for pair in range(4)])
        for i in range(2)
    ]
    assert taken(played[1], "nonsaturating", "gap") == pytest.approx(np.mean(own), abs=2 / SAMPLES)


@pytest.mark.slow
def test_the_average_of_ema_is_what_is_judged(folder, played):
    """What no optimizer moves is kept and restored: samples are the averaged generator's."""
    held, shares = arrays(folder, "ema"), []
    for lane in range(2):
        own = {n.split("average/")[1]: held[n][lane] for n in held.files if "average/" in n}
        kernels = sorted((n for n in own if n.endswith("kernel")), key=lambda n: n.count("/"))
        outer, inner = (name.removesuffix("/kernel") for name in kernels)
        x = dense(own, outer, np.maximum(dense(own, inner, latents(lane)), 0))
        plain = net(folder, "ema", "g", lane)(latents(lane))
        assert np.abs(x - plain).max() > 0.01
        shares.append(np.mean(net(folder, "nonsaturating", "d", lane)(x) > 0))
    assert taken(played[1], "ema", "nonsaturating") == pytest.approx(
        np.mean(shares), abs=2 / SAMPLES
    )


@pytest.mark.slow
def test_error_on_real_is_of_held_out_data_by_hand(folder, played):
    _, pairs = played
    error = [
        np.mean(net(folder, "nonsaturating", "d", lane)(data(lane, "held-out")) <= 0)
        for lane in range(2)
    ]
    found = pairs[pairs["judge"] == "nonsaturating"]["error_on_real"].iloc[0]
    assert found == pytest.approx(np.mean(error), abs=2 / SAMPLES)
    assert abs(found - 0.5) > 0.01  # told from its complement


@pytest.mark.slow
def test_who_judges_and_who_is_judged(played):
    scores, pairs = played
    assert set(scores["method"]) == set(METHODS)
    judging = pairs.dropna(subset="taken_for_real").groupby("judge")["n"].first().to_dict()
    assert judging == {"nonsaturating": 2, "wgan-gp": 2, "gap": 2, "ema": 2}  # no vae, no pairs
    judges = scores.groupby("method")["judges"].max().to_dict()
    assert judges == {m: 4 if m in ("ali", "vae") else 3 for m in METHODS}
    assert not (pairs["method"] == pairs["judge"]).any()
    one = pairs[(pairs["judge"] == "gap")]["error_on_real"]
    assert one.nunique() == 1 and 0 <= one.iloc[0] <= 1


@pytest.mark.slow
def test_scores_are_means_and_minima_over_judges(played):
    scores, pairs = played
    mean = pairs.groupby("method")["taken_for_real"].mean()  # all runs have as many judges
    own = scores.groupby("method")["gam2"].mean()
    np.testing.assert_allclose(own[mean.index], mean, atol=1e-9)
    assert (scores["gam2_worst"] <= scores["gam2"]).all()
    board = summary(scores)
    assert list(board["gam2_mean"]) == sorted(own, reverse=True)
    assert set(board["gam2_n"]) == {2}


@pytest.mark.slow
def test_a_run_that_diverged_is_no_contestant(folder, played, tmp_path):
    copied = tmp_path / "out"
    shutil.copytree(folder, copied)
    unsealed(copied)
    runs = pd.read_csv(copied / "runs.csv")
    gone = (runs["method"] == "gap") & (runs["replicate"] == 1)
    runs.loc[gone, "status"] = "diverged"
    runs.to_csv(copied / "runs.csv", index=False)
    scores, pairs = tournament(copied)
    own = scores.set_index(["method", "replicate"])
    assert np.isnan(own.loc[("gap", 1), "gam2"]) and own.loc[("gap", 1), "judges"] == 0
    assert own.loc[("nonsaturating", 1), "judges"] == 2
    assert own.loc[("nonsaturating", 0), "judges"] == 3
    before = played[0].set_index(["method", "replicate"])
    assert own.loc[("gap", 0), "gam2"] == before.loc[("gap", 0), "gam2"]


def test_a_folder_without_states_is_refused(tmp_path):
    made = suite({"nonsaturating": {}}, steps=100)
    made = made.model_copy(update={"keep": made.keep.model_copy(update={"states": False})})
    sweep.run(made, tmp_path / "out")
    with pytest.raises(BadInput, match="no states of trained runs; suites keep them with keep.st"):
        tournament(tmp_path / "out")


@pytest.mark.slow
def test_states_of_other_nets_are_refused(folder, tmp_path):
    copied = tmp_path / "out"
    shutil.copytree(folder, copied)
    unsealed(copied)
    path = copied / "provenance.json"
    told = json.loads(path.read_text())
    told["protocols"]["grid"]["budget"]["width"] = 9
    path.write_text(json.dumps(told))
    with pytest.raises(BadInput, match=r"states: .* must be of shape"):
        tournament(copied)


def broken(folder, tmp_path, change):
    copied = tmp_path / "out"
    shutil.copytree(folder, copied)
    unsealed(copied)
    change(copied)
    return copied


def without_protocol(copied):
    (copied / "provenance.json").unlink()


def with_strange_budget(copied):
    path = copied / "provenance.json"
    told = json.loads(path.read_text())
    told["protocols"]["grid"]["budget"]["colour"] = 1
    path.write_text(json.dumps(told))


def with_broken_states(copied):
    path = next((copied / "states").glob("grid_gap_*.npz"))
    path.write_bytes(path.read_bytes()[:500])


def of_a_task_unknown_here(copied):
    for path in [copied / "runs.csv", *copied.glob("groups/*/runs.csv")]:
        path.write_text(path.read_text().replace("1,grid,", "1,mytask,"))
    for path in copied.glob("states/*.npz"):
        arrays = dict(np.load(path))
        cells = [str(x).replace('"grid"', '"mytask"') for x in arrays["cells"]]
        np.savez(path, **arrays | {"cells": np.array(cells)})


def with_a_folder_in_the_way(copied):
    (copied / "gam2.csv").mkdir()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_protocol, "provenance.json has no protocol of task grid"),
        (with_strange_budget, "task grid: runs of a budget that this version does not know"),
        (with_broken_states, "cannot be read: "),
        (of_a_task_unknown_here, "task 'mytask' is not known here; known: bilinear, celeba"),
        (with_a_folder_in_the_way, "cannot be written to: "),
    ],
)
def test_a_folder_that_cannot_be_played_is_refused_in_one_line(
    folder, tmp_path, capsys, monkeypatch, change, message
):
    copied = broken(folder, tmp_path, change)
    monkeypatch.setattr("sys.argv", ["ganbench", "gam2", str(copied)])
    with pytest.raises(SystemExit) as end:
        main()
    error = capsys.readouterr().err
    assert end.value.code == 2 and message in error and error.count("\n") == 1
    assert not (copied / "gam2_pairs.csv").exists()


@pytest.mark.slow
def test_the_command_writes_its_tables(folder, tmp_path, capsys, monkeypatch):
    copied = tmp_path / "out"
    shutil.copytree(folder, copied)
    unsealed(copied)
    monkeypatch.setattr("sys.argv", ["ganbench", "gam2", str(copied)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "taken for real" in capsys.readouterr().out
    assert len(pd.read_csv(copied / "gam2.csv")) == 2 * len(METHODS)
    assert len(pd.read_csv(copied / "gam2_pairs.csv")) == len(METHODS) * (len(METHODS) - 1)
