"""Tables of a results folder with anything in their cells: read safely, or refused in one line."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import typed
from grids import suite, unsealed

from ganbench import sweep
from ganbench.store import check_ours

#: As text in a cell of a CSV; none may be taken for something else, or bring anything down.
CELLS = {
    "empty": "",
    "not a number": "nan",
    "infinite": "inf",
    "beyond a float": "1e400",
    "huge": "1" + "0" * 30,
    "beyond what Python reads": "9" * 5000,
    "negative": "-1",
    "a fraction": "0.5",
    "a path": "../../../outside",
    "an absolute path": "/outside",
    "markup": "<script>alert(1)</script>",
    "a formula": "=1+1",
    "a null byte": "a\0b",
    "deep": "[" * 5000,
    "a list": "[1, 2]",
    "an object": '{"a": {"b": [1e999]}}',
    "control": "\x1b[31m\r",
}
TABLES = ("runs.csv", "scores.csv", "leaderboard.csv")
DOCUMENTS = (
    "[" * 100_000,
    '{"a":' * 100_000,
    "[]",
    "null",
    "1" * 5000,
    '{"protocols": []}',
    '{"protocols": {"grid": 3}}',
    '{"protocols": {"grid": {"budget": null, "box": 1}}}',
    '{"suite": "../../x", "protocols": {"../../x": {"budget": {}}}}',
    '{"schema": 1e400, "protocols": null, "history": [[]]}',
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "out"
    sweep.run(suite({"nonsaturating": {}}, seeds=2, steps=100), folder)
    return unsealed(folder)


def with_cell(path, column, text, all_rows):
    """`path` with `text` in one of a column's cells, or all of them."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[frame.index if all_rows else [0], column] = text
    frame.to_csv(path, index=False)


def survive(folder, monkeypatch, capsys):
    """Every command that reads `folder` ends as one may, and writes nothing outside of it."""
    beside = seen_from(folder)
    for words in (
        ("leaderboard", folder),
        ("compare", folder, folder),
        ("compare", folder / "leaderboard.csv", folder),
        ("report", folder),
        ("merge", folder, "--out", folder / "merged"),
    ):
        code = typed(monkeypatch, *words)
        errors = capsys.readouterr().err.splitlines()
        assert code in (0, 1, 2), words
        if code == 2:
            assert len(errors) == 1 and errors[0].startswith("error: "), (words, errors)
            assert len(errors[0]) < 1100 and "\x1b" not in errors[0], words
    assert seen_from(folder) == beside


def seen_from(folder):
    """What lies where a path in a table may lead."""
    return {p for where in (Path("/"), *folder.parents[:2]) for p in where.iterdir()}


def columns(folder):
    for name in TABLES:
        for column in pd.read_csv(folder / name, nrows=0):
            yield name, column


def check_cells(whole, tmp_path, monkeypatch, capsys, times):
    rng = np.random.default_rng(0)
    every = [(*at, what) for at in columns(whole) for what in CELLS]
    for i in rng.permutation(len(every))[:times]:
        name, column, what = every[i]
        folder = tmp_path / str(i) / "out"
        shutil.copytree(whole, folder)
        with_cell(folder / name, column, CELLS[what], all_rows=bool(i % 2))
        try:
            survive(folder, monkeypatch, capsys)
        except BaseException as error:
            error.add_note(f"{what} in {column} of {name}, {'all rows' if i % 2 else 'a row'}")
            raise
        shutil.rmtree(folder.parent)


def test_cells(whole, tmp_path, monkeypatch, capsys):
    check_cells(whole, tmp_path, monkeypatch, capsys, 20)


@pytest.mark.slow
def test_more_cells(whole, tmp_path, monkeypatch, capsys):
    check_cells(whole, tmp_path, monkeypatch, capsys, 400)


@pytest.mark.parametrize("i", range(len(DOCUMENTS)))
def test_what_the_folder_says_of_itself(whole, tmp_path, monkeypatch, capsys, i):
    shutil.copytree(whole, tmp_path / "out")
    (tmp_path / "out/provenance.json").write_text(DOCUMENTS[i])
    survive(tmp_path / "out", monkeypatch, capsys)


@pytest.mark.parametrize("harm", ["numbers are texts", "columns are empty", "no rows", "wide"])
def test_curves(whole, tmp_path, monkeypatch, capsys, harm):
    folder = tmp_path / "out"
    shutil.copytree(whole, folder)
    curves = pd.read_parquet(folder / "curves.parquet")
    made = {
        "numbers are texts": lambda: curves.assign(mean="../x", step="1e400"),
        "columns are empty": lambda: curves.assign(mean=np.nan, step=np.nan, metric=None),
        "no rows": lambda: curves[:0],
        "wide": lambda: curves.assign(**{f"<b>{i}": [["a", "b"]] * len(curves) for i in "xy"}),
    }[harm]()
    made.to_parquet(folder / "curves.parquet")
    survive(folder, monkeypatch, capsys)


def test_a_table_of_another_schema_is_refused(whole, tmp_path, monkeypatch, capsys):
    for name in TABLES:
        shutil.copytree(whole, tmp_path / name)
        with_cell(tmp_path / name / name, "schema", "0", all_rows=True)
    assert typed(monkeypatch, "report", tmp_path / "runs.csv") == 2
    assert "schema 0; this version reads schema 1" in capsys.readouterr().err
    assert typed(monkeypatch, "leaderboard", tmp_path / "leaderboard.csv") == 2
    assert "schema 0; this version reads schema 1" in capsys.readouterr().err
    assert json.loads((tmp_path / "runs.csv/provenance.json").read_text())["protocols"]


LINKS = {
    "inflight": "is a folder",
    "damaged": "is a folder",
    "groups/strange": "is a folder",
    "samples/strange.npz": "is a file",
    ".lock": "is a file",
    ".progress.json.tmp": "is a file",
    ".runs.csv.tmp": "is a file",
}


@pytest.mark.parametrize("name", LINKS)
def test_links_are_not_followed_by_what_writes(whole, tmp_path, monkeypatch, capsys, name):
    folder, aim = tmp_path / "out", tmp_path / "aim"
    shutil.copytree(whole, folder)
    (aim / "precious").mkdir(parents=True)
    (aim / "file").write_text("mine")
    os.symlink(aim if "folder" in LINKS[name] else aim / "file", folder / name)
    assert typed(monkeypatch, "run", "smoke", "--out", folder) == 2
    assert f"{folder / name}: a symbolic link" in capsys.readouterr().err
    survive(folder, monkeypatch, capsys)
    assert (aim / "file").read_text() == "mine" and (aim / "precious").is_dir()
    assert {p.name for p in aim.iterdir()} == {"file", "precious"}


def test_an_editors_links_are_nobodys_concern(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "out")
    os.symlink("me@here.1234", tmp_path / "out/.#report.html")
    check_ours(tmp_path / "out")


def test_a_page_is_not_written_through_a_link(whole, tmp_path, monkeypatch, capsys):
    shutil.copytree(whole, tmp_path / "out")
    (tmp_path / "mine").write_text("mine")
    os.symlink(tmp_path / "mine", tmp_path / "out/.report.html.tmp")
    assert typed(monkeypatch, "report", tmp_path / "out") == 0
    assert (tmp_path / "mine").read_text() == "mine"
