"""Suites with claims that cannot be, and the two settings of those that can."""

import pytest
from claimed import BOX, FULL, GOOD, written
from commands import typed

from ganbench import suite as suites

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
    "box, a range upside down": (
        GOOD + BOX.replace("1e-4", "1.0"),
        "tasks.digits.box.learning_rate: Value error, low must be below high",
    ),
    "box, a value twice": (GOOD + BOX.replace("[4, 8]", "[8, 8]"), "box.width: Value error, 8 is"),
    "box, more points than there could be": (
        GOOD + BOX.replace("points = 4", "points = 2000000000"),
        "tasks.digits.box.points: Input should be less than or equal to 100000",
    ),
    "box, more shapes than points": (
        GOOD + BOX.replace("shapes = 2", "shapes = 5"),
        "box: shapes = 5 must be at most points, 4",
    ),
    "a number in quotes": (
        GOOD.replace(LAST, 'hyperparameters.pacgan.samples = "2" }]\nat'),
        "0 runs of pacgan (pacgan.samples = 2) on digits, 4 needed; pacgan.samples is 2 or 3 there",
    ),
    "a row of some points": (
        (GOOD + BOX).replace(LAST, "hyperparameters.points = 4 }]\nat"),
        "claims.1.hyperparameters: pacgan has no 'points'",
    ),
    "two lines for a heading": (GOOD.replace("covers more", "covers\\nmore"), "claims.0.says"),
    "cells for a heading": (GOOD.replace("covers more", "covers | more"), "claims.0.says"),
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


def test_fewer_seeds_than_a_claim_needs_are_refused_before_training(tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    path = written(tmp_path, GOOD)
    assert typed(monkeypatch, "reproduce", path, "--seeds", "3", "--out", out) == 2
    told = capsys.readouterr().err
    assert "claims.0: the suite has 3 runs of nonsaturating on digits, 4 needed" in told
    assert told.count("\n") == 1 and not out.exists()


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
    settings = {name: suites.settings(suites.find(name)) for name in suites.suite_names()}
    named = {name for name, (scaled, _) in settings.items() if scaled.claims}
    assert len(named) >= 7
    for name in named:
        scaled, full = settings[name]
        assert full is not None
        assert all(x.source for x in (*scaled.claims, *scaled.published))
        for task in scaled.tasks.values():
            assert task.box.points >= 64 and task.box.shapes <= 40 if task.box else task.seeds >= 8
