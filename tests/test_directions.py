"""Every score against four faults in five graded steps: it moves as stated, or is said to be blind.

The table is `directions.DIRECTIONS`; docs/scores.md prints it.
"""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from directions import DIRECTIONS, FAULTS, LEVELS, responses, verdicts
from threadpoolctl import threadpool_limits

from ganbench.metrics.catalogue import METRICS, OPTIONAL, OPTIONAL_SUMS

ROOT = Path(__file__).parents[1]
REPLICATES = 12
# scores of sums are wrapped in OPTIONAL: their docstrings are elsewhere
DOCSTRINGS = {name: metric.score for name, metric in METRICS.items()}
DOCSTRINGS |= {name: metric.fit for name, metric in OPTIONAL.items()}
DOCSTRINGS |= {name: metric.score for name, metric in OPTIONAL_SUMS.items()}
WORDS = dict(zip(FAULTS, ("lost modes", "blur", "copies", "noise"), strict=True))


@pytest.mark.parametrize("task", ["digits", pytest.param("ring", marks=pytest.mark.slow)])
def test_every_score_moves_as_the_table_says(task):
    with threadpool_limits(1):  # matrices are small, and tests run side by side
        seen = responses(task, REPLICATES)
    stated = {name: row.split() for name, row in DIRECTIONS[task].items()}
    assert set(stated) == set(seen)
    made = {name: list(verdicts(name, faults).values()) for name, faults in seen.items()}
    wrong = {name: (made[name], row) for name, row in stated.items() if made[name] != row}
    assert not wrong


def test_verdicts():
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.normal(size=(LEVELS, 12))
    ramp = np.linspace(0, 1, LEVELS)[:, None]
    far = np.array([0, 0, 0.5, 0.5, 1, 1])[:, None]
    hump = np.array([0, 0.2, 0.1, -0.5, -0.8, -1])[:, None]
    endless = np.where(ramp > 0, np.inf, 0.0)

    def verdict(**faults):
        return list(verdicts("any", {f: v + noise for f, v in faults.items()}).values())

    assert verdict(a=ramp, b=-far, c=0 * ramp, d=hump) == ["up", "down", "blind", "mixed"]
    assert verdict(a=endless, b=ramp) == ["up", "blind"]
    assert verdict(a=ramp, b=0.02 * ramp) == ["up", "blind"]
    # a change of a tenth that chance alone explains
    wild = {"a": ramp + noise, "b": 0.1 * ramp + 0.5 * rng.normal(size=(LEVELS, 12))}
    assert verdicts("any", wild)["b"] == "blind"
    # a step back of more than a hundredth
    assert verdict(a=np.array([0, 0.5, 0.45, 0.8, 0.9, 1.0])[:, None]) == ["mixed"]
    late = np.array([0, 0.5, 0.5, 0.8, 0.9, 0.0])[:, None]
    assert verdict(a=ramp, b=late) == ["up", "mixed"]


def test_the_table_holds_every_score():
    assert set().union(*DIRECTIONS.values()) == {*METRICS, *OPTIONAL}


@pytest.mark.parametrize("name", [*METRICS, *OPTIONAL])
def test_a_docstring_says_what_its_score_is_blind_to(name):
    """Its paragraph "Blind to" names what no task shows it, and nothing that every task does."""
    text = inspect.getdoc(DOCSTRINGS[name]) or ""
    paragraphs = [p.replace("\n", " ") for p in text.split("\n\n")]
    blind = next((p.split(". ")[0] for p in paragraphs if p.startswith("Blind to ")), "")
    rows = [table[name].split() for table in DIRECTIONS.values() if name in table]
    for fault, seen in zip(FAULTS, zip(*rows, strict=True), strict=True):
        if set(seen) == {"blind"}:
            assert WORDS[fault] in blind
        elif "blind" not in seen:
            assert WORDS[fault] not in blind
        if "mixed" in seen or {"up", "down"} <= set(seen):
            assert f"{WORDS[fault]} moves it both ways" in " ".join(paragraphs).lower()


def test_the_page_is_as_its_script_makes_it():
    made = subprocess.run(
        [sys.executable, "benchmarks/scores.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    same = made.stdout == (ROOT / "docs/scores.md").read_text()
    assert same, "python benchmarks/scores.py > docs/scores.md"
