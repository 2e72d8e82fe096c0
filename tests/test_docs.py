"""Pages and suites that follow from the registry hold what it holds now."""

import inspect
import io
import re
import runpy
from pathlib import Path

import pandas as pd
import pytest
from methods import BASES, MODIFIERS, setting, small
from rich.console import Console

from ganbench import registry, shown, suite
from ganbench.diagnostics import course, outcome
from ganbench.errors import BadInput
from ganbench.leaderboard import COLUMNS
from ganbench.metrics.catalogue import METRICS
from ganbench.results import read_board
from ganbench.zoo.catalogue import Sizes, zoo

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("script", "page"),
    [
        ("methods.py", "methods.md"),
        ("scores.py", "scores.md"),
        ("intervals.py", "statistics.md"),
        ("diagnostics.py", "diagnostics.md"),
        ("suite_format.py", "suite-format.md"),
        ("speed_page.py", "speed.md"),
    ],
)
def test_a_page_is_as_its_script_makes_it(script, page, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    runpy.run_path(f"benchmarks/{script}", run_name="__main__")
    same = capsys.readouterr().out == (ROOT / "docs" / page).read_text()
    assert same, f"python benchmarks/{script} > docs/{page}"


def test_every_page_stands_once_in_the_sites_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")[1].split("\n\n")[0]
    named = re.findall(r": (\S+\.md)$", navigation, re.M)
    assert sorted(named) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_no_key_of_the_smallest_suite_can_be_left_out(tmp_path):
    text = (ROOT / "docs/suite-format.md").read_text().split("```toml\n")[1].split("```")[0]
    lines, path = text.splitlines(), tmp_path / "my-suite.toml"
    path.write_text(text)
    suite.read(path)
    for i, line in enumerate(lines):
        if "=" in line:
            path.write_text("\n".join(lines[:i] + lines[i + 1 :]))
            with pytest.raises(BadInput):
                suite.read(path)


def test_the_page_of_leaderboards_names_every_column_and_shows_a_real_one():
    page = (ROOT / "docs/leaderboard.md").read_text()
    scores = tuple(f"{name}_" for name in METRICS)
    for column in COLUMNS:
        assert f"`{column}`" in page or column.startswith(scores)
    board = read_board(ROOT / "results/reference/mode-collapse/leaderboard.csv")
    console = Console(width=140, record=True, file=io.StringIO())
    for part in shown.leaderboard(board[board["task"] == "ring"]):
        console.print(part, highlight=False)
    printed = [line.split() for line in console.export_text().splitlines()]
    for line in page.split("```text\n")[1].split("```")[0].splitlines():
        assert line == "..." or line.split() in printed


def test_the_page_of_statuses_has_the_rules_in_order():
    page = (ROOT / "docs/statuses.md").read_text()
    tables = page.split("## The rules, in order")[1], page.split("## Games of two numbers")[1]
    for table, rules in zip(tables, (outcome.STATUSES, course.STATUSES), strict=True):
        named = re.findall(r"^\| `(\w+)` \|", table, re.M)
        assert named[: len(rules)] == [status.name for status in rules]
    assert set(re.findall(r"`(\w+)` = ", page)) == {*outcome.Rules._fields}


def test_the_page_of_diagnoses_holds_what_its_script_trains():
    made = runpy.run_path(str(ROOT / "benchmarks/diagnoses.py"))
    page = (ROOT / "docs/diagnoses.md").read_text()
    assert page.startswith(made["HEAD"])
    rows = [line.split(" | ") for line in page.removeprefix(made["HEAD"]).strip().splitlines()]
    assert [(row[0].removeprefix("| "), row[1], row[3]) for row in rows] == [
        (task, f"`{method}`", made["said"](more, changes))
        for task, method, more, changes in made["DIAGNOSES"]
    ]


def test_the_page_of_comparisons_says_what_its_script_does():
    made = runpy.run_path(str(ROOT / "benchmarks/comparisons.py"))
    page = (ROOT / "docs/comparisons.md").read_text()
    assert page.startswith(made["rules"]())


def test_the_page_of_suites_shows_what_came_out_of_the_box():
    rows = pd.read_csv(ROOT / "results/reference/robustness/robustness.csv")

    def told(row, name, low, high):
        return f"{row[name]:.2f} [{row[low]:.2f}, {row[high]:.2f}]"

    page = (ROOT / "docs/suites.md").read_text()
    for _, row in rows.iterrows():
        best = [told(row, b, f"{b}_low", f"{b}_high") for b in map("best_of_{}".format, (1, 4, 16))]
        success = told(row, "success_rate", "success_low", "success_high")
        line = [f"`{row['method']}`", success, str(row["n"]), str(row["shapes"]), *best]
        assert f"| {' | '.join(line)} |" in page


def stabilizers_by_resource(kind):
    """{resource: what replaces ("claims") or needs ("needs") it}, normalised nets included."""
    made, plain = {}, setting()
    nets = zoo("mlp", Sizes(plain.task.shape, 2, 8, 1, normalized=True))
    for name in BASES + MODIFIERS:
        recipe = registry.recipe(name, small(name), plain._replace(zoo=nets))
        for resource, stabilizer in getattr(recipe, kind):
            made.setdefault(resource, set()).add(stabilizer)
    return made


def test_resources_are_those_of_the_contributors_table():
    """A need that nothing replaces is a misspelt one; the table names no wrong stabilizer."""
    replaced, needed = stabilizers_by_resource("claims"), stabilizers_by_resource("needs")
    assert set(needed) <= set(replaced)
    table = re.findall(
        r"^    \| (.+?) \| (.*?) ?\| (.*?) ?\|$", (ROOT / "CONTRIBUTING.md").read_text(), re.M
    )
    assert {row[0] for row in table} - {"resource", "---"} == set(replaced)
    for resource, by, of in table:
        assert set(re.findall("`(.+?)`", by)) <= replaced.get(resource, set())
        assert set(re.findall("`(.+?)`", of)) <= needed.get(resource, set())


def test_the_zoo_holds_every_method():
    held = {
        name for entry in suite.read(suite.find("zoo")).methods for name in entry.name.split("+")
    }
    assert held | {"wasserstein"} == {*BASES, *MODIFIERS}  # which nothing keeps bounded


def test_every_method_that_does_badly_says_why():
    board = pd.read_csv(ROOT / "results/reference/zoo/leaderboard.csv")
    plain = board[board["method"] == "nonsaturating"].set_index("task")["modes_mean"]
    poor = (board["n_diverged"] > 0) | (board["modes_mean"] < board["task"].map(plain) * 2 / 3)
    names = set(board[poor]["method"]) & {*BASES, *MODIFIERS}
    assert len(names) > 10
    silent = {
        name
        for name in names
        if "\nIn the suites:\n" not in (inspect.getdoc(registry.METHODS[name].factory) or "")
    }
    assert not silent
