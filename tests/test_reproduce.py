"""A suite with claims, trained small: its page, its verdicts, and what it makes of damage."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from claimed import BOX, GOOD, written
from commands import typed
from grids import unsealed
from PIL import Image

from ganbench.errors import BadInput
from ganbench.gallery import galleries
from ganbench.reproduce import run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(page, folder) of the suite and of one with a box."""
    folder = tmp_path_factory.mktemp("reproduced")
    text = GOOD + BOX
    page = run(str(written(folder, GOOD)), False, folder / "plain")
    boxed = run(str(written(folder, text)), False, folder / "boxed", seed=3)
    return folder, page, boxed


def test_the_page_puts_figures_beside_each_other(made):
    folder, page, _ = made
    assert page == (folder / "plain" / "reproduction.md").read_text()
    claimed = page.split("## Packing covers more")[1].split("##")[0]
    assert "| `noise` | " in claimed and "| `real` | " in claimed
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
        without = claim["none_ok"]
        none = f", but no run of {without} ended `ok`" if isinstance(without, str) else ""
        told = f"**{claim['verdict']}{none}**: {claim['effect']} {claim['observed']:.2f}"
        assert told in page
        needed = f"n = {claim['n']:,.0f} a row, trained anew, settle it in four of five"
        if np.isnan(claim["n"]):
            needed = "not even 10,000 like runs are likely to settle it"
        if claim["verdict"] == "inconclusive":
            assert needed in page
        rows = [row.split(": ") for row in claim["ended"].split("; ")]
        assert len(rows) == (2 if "more" in claim["says"] else 1)
        for _, ends in rows:
            assert re.fullmatch(r"(\d+ [a-z]+(, )?)+", ends)
            assert sum(int(n) for n in re.findall(r"\d+", ends)) == 4
        assert all(" ok" not in ends for name, ends in rows if name == without)
        assert (without == "any row") == all(" ok" not in ends for _, ends in rows)
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
    assert set(runs["seed"]) == {3}


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
    folder = unsealed(shutil.copytree(made[0] / "boxed", tmp_path / "results"))
    damage(folder)
    before = sorted(folder.rglob("*"))
    assert typed(monkeypatch, command, folder) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_a_folder_without_images_has_no_pictures(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        galleries(tmp_path)


def test_a_strip_tells_the_modes_of_what_it_shows(made, monkeypatch):
    told = []
    monkeypatch.setattr("ganbench.gallery._picture", lambda task, strips: told.extend(strips))
    galleries(made[0] / "plain", 2)
    runs = pd.read_csv(made[0] / "plain" / "runs.csv")
    own = runs[runs["method"] == "nonsaturating"]["modes"]
    here = ", ".join(f"{m:.0f}" for m in own.iloc[:2])
    (strip,) = [s.label for s in told if s.label.startswith("nonsaturating")]
    assert strip.endswith(f"modes: {here} here; mean of 4 runs {own.mean():.0f}")


def test_a_leaderboard_of_a_box_is_a_row_a_method(made, monkeypatch, capsys):
    assert typed(monkeypatch, "leaderboard", made[0] / "boxed") == 0
    told = capsys.readouterr().out
    assert "digits: all of the box" in told and told.count("nonsaturating") == 1
