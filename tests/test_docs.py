"""Pages and suites that follow from the registry hold what it holds now."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

from methods import BASES, MODIFIERS, setting, small

from ganbench import registry, suite

ROOT = Path(__file__).parents[1]


def test_the_table_of_methods_is_as_the_docstrings_are():
    made = subprocess.run(
        [sys.executable, "benchmarks/methods.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    same = made.stdout == (ROOT / "docs/methods.md").read_text()
    assert same, "python benchmarks/methods.py > docs/methods.md"


def stabilizers_by_resource(kind):
    """{resource: the stabilizers that replace ("claims") or need ("needs") it}."""
    made = {}
    for name in BASES + MODIFIERS:
        recipe = registry.recipe(name, small(name), setting())
        for resource, stabilizer in getattr(recipe, kind):
            made.setdefault(resource, set()).add(stabilizer)
    return made


def test_resources_are_those_of_the_contributors_table():
    """A need that nothing replaces is a misspelt one; the table names no wrong stabilizer."""
    replaced, needed = stabilizers_by_resource("claims"), stabilizers_by_resource("needs")
    assert set(needed) <= set(replaced)
    table = re.findall(
        r"^  \| (.+?) \| (.*?) ?\| (.*?) ?\|$", (ROOT / "CONTRIBUTING.md").read_text(), re.M
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


def test_a_claim_is_held_against_its_interval():
    verdict = runpy.run_path(str(ROOT / "benchmarks/pacgan.py"))["verdict"]
    more = [verdict(low, high, 0.0) for low, high in ((0.1, 1.0), (-0.1, 1.0), (-1.0, -0.1))]
    assert more == ["holds", "undecided", "fails"]
    no_fewer = [verdict(low, high, 0.5) for low, high in ((-0.4, 1), (-0.8, -0.1), (-2, -0.6))]
    assert no_fewer == ["holds", "undecided", "fails"]
    assert verdict(float("nan"), float("nan"), 0.0) == "undecided"
