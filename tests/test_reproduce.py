"""A suite with claims, trained small: its page, its verdicts, and what it refuses."""

import json
import re
import shutil

import jax
import numpy as np
import pandas as pd
import pytest
from commands import typed
from methods import setting
from PIL import Image

from ganbench import suite as suites
from ganbench.budget import setting_of
from ganbench.errors import BadInput
from ganbench.gallery import galleries
from ganbench.plan import group_budget, groups
from ganbench.registry import recipe, resolve
from ganbench.reproduce import run
from ganbench.shared import shared_of
from ganbench.tasks.catalogue import TASKS

HEAD = (suites.SUITES / "smoke.toml").read_text().split("[tasks.")[0]
TASK = """
[tasks.digits]
seeds = 4
steps = 20
evaluations = 2
batch = 16
latent = 4
learning_rate = 1e-3
b1 = 0.5
b2 = 0.999
nets = "mlp"
width = 8
depth = 1
curve_samples = 250
block = 2
"""
METHODS = """
[[methods]]
name = "nonsaturating"
source = "a test"

[[methods]]
name = "pacgan"
source = "a test"
hyperparameters.pacgan.samples = [2, 3]

[[published]]
task = "digits"
method = "pacgan"
hyperparameters.pacgan.samples = 3
metric = "modes"
value = 9.5
spread = 0.2
spread_is = "standard error of 5 runs"
source = "a paper"
verified = true

[[published]]
task = "digits"
method = "nonsaturating"
metric = "reverse_kl"
value = 1.25
source = "a memory"
verified = false

[[claims]]
says = "Packing covers more"
source = "a paper"
verified = true
task = "digits"
metric = "modes"
rows = [{ method = "nonsaturating" }, { method = "pacgan", hyperparameters.pacgan.samples = 2 }]

[[claims]]
says = "Packing succeeds"
source = "a memory"
verified = false
task = "digits"
rows = [{ method = "pacgan", hyperparameters.pacgan.samples = 2 }]
at_least = 0.5
"""
FULL = """
[full.tasks.digits]
seeds = 9
width = 64
"""
BOX = """
[tasks.digits.box]
points = 4
shapes = 2
width = [4, 8]
learning_rate = { low = 1e-4, high = 1e-2 }
dropout = [0.0, 0.5]
"""
GOOD = HEAD + TASK + METHODS + FULL


def written(tmp_path, text):
    path = tmp_path / "made.toml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(page, folder) of the suite and of one with a box."""
    folder = tmp_path_factory.mktemp("reproduced")
    text = GOOD + BOX
    page = run(str(written(folder, GOOD)), False, folder / "plain")
    boxed = run(str(written(folder, text)), False, folder / "boxed")
    return folder, page, boxed


def test_the_page_puts_figures_beside_each_other(made):
    folder, page, _ = made
    assert page == (folder / "plain" / "reproduction.md").read_text()
    figures = [
        line for line in page.splitlines() if line.startswith("| pacgan (pacgan.samples = 3) |")
    ]
    assert "| 9.5 +- 0.2 (standard error of 5 runs) |" in figures[0]
    runs = pd.read_csv(folder / "plain" / "runs.csv")
    packs = runs[(runs["method"] == "pacgan") & runs["hyperparameters"].str.contains('samples":3')]
    assert f"| {packs['modes'].mean():.4g} |" in figures[0] and "| a paper |" in figures[0]
    assert "1.25, unverified" in page
    assert "The full setting, nearest to the paper's, has seeds 9, width 64." in page


def test_every_claim_has_a_verdict_with_what_it_rests_on(made):
    folder, page, _ = made
    claims = pd.read_csv(folder / "plain" / "claims.csv")
    assert claims["says"].tolist() == ["Packing covers more", "Packing succeeds"]
    for claim in claims.to_dict("records"):
        assert f"## {claim['says']}" in page
        told = f"**{claim['verdict']}**: {claim['effect']} {claim['observed']:.2f}"
        assert told in page
        n = claim["n"]
        needed = "no number of like runs" if np.isnan(n) else f"n = {int(n):,} a row, trained anew,"
        if claim["verdict"] == "inconclusive":
            assert f"{needed} would settle it" in page
        assert re.fullmatch(r"(\d+ [a-z]+(, )?)+", claim["ended"])
        runs = [int(n) for n in re.findall(r"\d+", claim["ended"])]
        assert sum(runs) == (8 if "more" in claim["says"] else 4)
    # 20 steps teach nothing: no run succeeds; of four runs that settles nothing
    assert claims["verdict"].iloc[1] == "inconclusive" and claims["observed"].iloc[1] == 0
    assert "Claimed by a memory (unverified)." in page


def test_a_box_is_shown_as_a_histogram_over_its_points(made):
    folder, _, boxed = made
    runs = pd.read_csv(folder / "boxed" / "runs.csv")
    plain = runs[runs["method"] == "nonsaturating"]
    assert len(plain) == 16 and plain["hyperparameters"].nunique() == 4
    assert sorted(plain["replicate"]) == list(range(16))
    table = boxed.split("## Packing covers more")[1].split("##")[0].split("\n\n")[3].splitlines()
    assert table[0] == "| modes | nonsaturating | pacgan (pacgan.samples = 2) |"
    counts = np.array([[int(x) for x in line.split("|")[2:4]] for line in table[2:]])
    assert counts.sum(0).tolist() == [16, 16]


def test_points_of_a_box_are_the_same_for_every_method(made):
    folder, *_ = made
    runs = pd.read_csv(folder / "boxed" / "runs.csv")

    def points(method):
        own = runs[runs["method"] == method]["hyperparameters"].map(pd.io.json.ujson_loads)
        return {(p["width"], p["learning_rate"], p["dropout"]) for p in own}

    assert points("nonsaturating") == points("pacgan") and len(points("pacgan")) == 4


def test_a_box_gets_a_table_of_its_own(made, monkeypatch, capsys):
    folder, *_ = made
    assert typed(monkeypatch, "robustness", folder / "boxed") == 0
    told = capsys.readouterr().out
    assert "digits: all of the box" in told and "best of 1" in told
    rows = pd.read_csv(folder / "boxed" / "robustness.csv")
    assert rows["n"].tolist() == [16, 16, 16]  # pacgan's two values are two rows
    assert set(pd.read_csv(folder / "boxed" / "profile.csv")["method"]) == {
        "nonsaturating",
        "pacgan",
    }
    assert typed(monkeypatch, "robustness", folder / "plain") == 2
    assert "no run in a box" in capsys.readouterr().err


def test_samples_are_drawn_a_strip_a_row(made, monkeypatch, capsys):
    folder, *_ = made
    assert typed(monkeypatch, "samples", folder / "plain", "--runs", "1") == 0
    path = folder / "plain" / "samples-digits.png"
    assert capsys.readouterr().out.strip() == f"wrote {path}"
    picture = np.asarray(Image.open(path))
    assert picture.shape[1] >= 16 * 8 * 4
    strips = 6  # real, held-out, noise, and three rows
    assert picture.shape[0] == 14 + 8 + strips * (14 + 8 * 4 + 8)
    runs = pd.read_csv(folder / "plain" / "runs.csv")
    assert (runs.groupby(["method", "hyperparameters"]).ngroups) == strips
    (first,) = galleries(folder / "plain", 1).values()
    np.testing.assert_array_equal(np.asarray(first), picture)
    # the strip of `real` shows what its samples' file holds
    kept = np.load(next((folder / "plain" / "samples").glob("digits_real_*.npz")))["final"][
        0, 0, ..., 0
    ]
    shown = picture[14 + 8 + 14 :: 4, ::4, 0][:8, :8]
    np.testing.assert_array_equal(shown, kept)


PACKS = '{ method = "pacgan", hyperparameters.pacgan.samples = 2 }'
LAST = "hyperparameters.pacgan.samples = 2 }]\nat"
BAD = {
    "no claims": (GOOD.split("[[claims]]")[0], "makes no claims"),
    "row of another suite": (
        GOOD.replace('= [{ method = "pacgan', '= [{ method = "gap'),
        "no 'gap'",
    ),
    "unknown key of a row": (
        GOOD.replace(LAST, "hyperparameters.pacgan.n = 2 }]\nat"),
        "claims.1.hyperparameters: pacgan has no 'pacgan.n'",
    ),
    "unknown metric": (GOOD.replace('"modes"\nrows', '"mods"\nrows'), "claims.0.metric"),
    "a row that is two": (
        GOOD.replace(LAST, "}]\nat").replace('pacgan", }]', 'pacgan" }]'),
        "claims.1: pacgan is 2 rows of the suite",
    ),
    "a row against itself": (
        GOOD.replace('[{ method = "nonsaturating" }, {', f"[{PACKS}, {{"),
        "claims.0.rows: a run is of two of them",
    ),
    "too few seeds": (GOOD.replace("seeds = 4", "seeds = 3"), "3 runs of nonsaturating"),
    "hyperparameters that are no table": (
        GOOD.replace(LAST, "hyperparameters = 3 }]\nat"),
        "claims.1.rows.0.hyperparameters: Value error, must be a table, not 3",
    ),
    "a bound that all rates keep": (
        GOOD.replace("= 0.5\n\n[full", "= 0.0\n\n[full"),
        "claims.1.at_least",
    ),
    "a figure that is no number": (GOOD.replace("= 1.25", "= nan"), "published.1.value"),
    "box, all dropped": (
        GOOD + BOX.replace("[0.0, 0.5]", "{ low = 0.1, high = 3.0 }"),
        "dropout",
    ),
    "one row without a bound": (GOOD.replace("at_least = 0.5", ""), "at_most and at_least"),
    "a bound on modes": (
        GOOD.replace("at_least", 'metric = "modes"\nat_least'),
        "go with the metric success",
    ),
    "full, unknown key": (GOOD.replace("seeds = 9", "sedes = 9"), "full.tasks.digits.sedes"),
    "full, no table": ("full = 3\n" + GOOD.replace(FULL, ""), "full: must be"),
    "box, too many points": (
        GOOD + BOX.replace("learning_rate", "#").replace("points = 4", "points = 5"),
        "box: points = 5: the box has 2 shapes of 2",
    ),
    "box, unknown axis": (GOOD + BOX.replace("width =", "wdth ="), "tasks.digits.box.wdth"),
    "box, a range upside down": (GOOD + BOX.replace("1e-4", "1.0"), "low must be below high"),
    "box, refused by the nets": (
        GOOD + BOX.replace("width = [4, 8]", 'nets = ["conv"]').replace("shapes = 2", ""),
        "takes no dropout",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(case, tmp_path, monkeypatch, capsys):
    text, message = BAD[case]
    assert text != GOOD
    out = tmp_path / "out"
    assert typed(monkeypatch, "reproduce", written(tmp_path, text), "--out", out) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1
    assert not out.exists()


def test_a_suite_without_a_published_setting_has_no_full_one(tmp_path, monkeypatch, capsys):
    path = written(tmp_path, GOOD.replace(FULL, ""))
    assert typed(monkeypatch, "reproduce", path, "--full") == 2
    assert "no other setting than its own" in capsys.readouterr().err


def test_the_published_setting_changes_what_it_names_alone(tmp_path):
    scaled, full = suites.settings(written(tmp_path, GOOD))
    own, other = scaled.tasks["digits"], full.tasks["digits"]
    assert other == own.model_copy(update={"seeds": 9, "width": 64})
    assert full.methods == scaled.methods and full.claims == scaled.claims


def test_every_suite_that_reproduces_has_both_settings_and_sources():
    named = (
        "unrolled-stacked",
        "pacgan-stacked",
        "veegan",
        "ebgan-grid",
        "mdgan-grid",
        "r3gan-stacked",
    )
    for name in named:
        scaled, full = suites.settings(suites.find(name))
        assert full is not None and scaled.claims
        assert all(x.source for x in (*scaled.claims, *scaled.published))
        for task in scaled.tasks.values():
            assert task.box.points >= 64 and task.box.shapes <= 40 if task.box else task.seeds >= 8
    # of the recalled figures none may pass for read
    assert not any(x.verified for x in suites.read(suites.find("r3gan-stacked")).published)
    assert not suites.read(suites.find("mdgan-grid")).claims[0].verified


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("nonsaturating", (("d",), ("d",), ("d",), ("g",), ("g",))),
        ("ali", (("d",), ("d",), ("d",), ("g", "e"), ("g", "e"))),
        ("vae", (("g", "e"), ("g", "e"))),
    ],
)
def test_players_move_as_often_as_the_setting_says(method, expected):
    own = resolve(method, {})
    made = recipe(method, own, setting()._replace(d_steps=3, g_steps=2))
    assert made.schedule == expected
    assert recipe(method, own, setting()).schedule == tuple(dict.fromkeys(expected))


def test_a_discriminator_may_have_a_rate_and_a_width_of_its_own(tmp_path):
    more = 'width = 8\nd_width = 3\nd_learning_rate = 0.5\nd_optimizer = "sgd"'
    suite = suites.read(written(tmp_path, GOOD.replace("width = 8", more)))
    task = TASKS["digits"]()
    group = next(g for g in groups(suite) if g.method == "nonsaturating")
    own = setting_of(task, group.lanes[0].values, group_budget(suite, group, task), shared_of(task))
    assert own.optimizer.rate == 1e-3 and own.d_optimizer.rate == 0.5
    sizes = {
        role: [x.shape for x in jax.tree.leaves(jax.eval_shape(net.init, jax.random.key(0), x)[0])]
        for role, net, x in (
            ("generator", own.zoo["generator"], np.ones((2, 4))),
            ("discriminator", own.zoo["discriminator"], np.ones((2, 8, 8, 1))),
        )
    }
    assert (4, 8) in sizes["generator"] and (64, 3) in sizes["discriminator"]
    made = recipe("nonsaturating", {}, own)
    state = made.opts["d"].init({"w": np.ones(2)})
    moved, _ = made.opts["d"].step({"w": np.ones(2)}, state, {"w": np.ones(2)}, np.zeros(()))
    np.testing.assert_allclose(moved["w"], 0.5)  # 1 - 0.5 * 1: no Adam


def changed_runs(change):
    def of(folder):
        change(pd.read_csv(folder / "runs.csv")).to_csv(folder / "runs.csv", index=False)

    return of


def changed_protocols(made):
    def of(folder):
        told = json.loads((folder / "provenance.json").read_text())
        (folder / "provenance.json").write_text(json.dumps(told | {"protocols": made}))

    return of


def changed_samples(**arrays):
    def of(folder):
        path = next((folder / "samples").glob("digits_real_*.npz"))
        with np.load(path) as found:
            kept = {k: v for k, v in {**found, **arrays}.items() if v is not None}
        np.savez(path, **kept)

    return of


BROKEN = {
    "no success": ("robustness", changed_runs(lambda r: r.drop(columns="success")), "no column"),
    "no JSON": (
        "robustness",
        changed_runs(lambda r: r.assign(hyperparameters="{")),
        "hyperparameters '{' are no JSON table",
    ),
    "protocols in a list": ("robustness", changed_protocols([]), "protocols must be tables"),
    "a protocol that is none": ("robustness", changed_protocols({"digits": 3}), "must be tables"),
    "no provenance": (
        "robustness",
        lambda folder: (folder / "provenance.json").unlink(),
        "no provenance.json here",
    ),
    "no final samples": ("samples", changed_samples(final=None), "no samples of as many runs"),
    "a run too many": ("samples", changed_samples(cells=np.array(["a"] * 9)), "of as many runs"),
    "no array": ("samples", changed_samples(cells=np.array("a")), "of as many runs"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_damaged_folder_is_one_line(case, made, tmp_path, monkeypatch, capsys):
    command, damage, told = BROKEN[case]
    folder = shutil.copytree(made[0] / "boxed", tmp_path / "results")
    damage(folder)
    before = sorted(folder.rglob("*"))
    assert typed(monkeypatch, command, folder) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_a_folder_without_images_has_no_pictures(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        galleries(tmp_path)
