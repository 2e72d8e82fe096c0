"""The committed verdicts, and the page that collects them."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ganbench import suite as suites
from ganbench.reproduction import page, verdicts

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "results" / "reference").glob("*/claims.csv"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_verdicts_are_what_the_committed_runs_say(folder):
    scaled, full = suites.settings(suites.find(folder.name))
    runs = pd.read_csv(folder / "runs.csv")
    committed = pd.read_csv(folder / "claims.csv")
    pd.testing.assert_frame_equal(
        pd.DataFrame(verdicts(scaled, runs)), committed, check_dtype=False
    )
    assert page(scaled, full, runs) == (folder / "reproduction.md").read_text()


def test_the_page_is_as_its_script_makes_it():
    made = subprocess.run(
        [sys.executable, "benchmarks/reproductions.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout == (ROOT / "docs" / "reproductions.md").read_text()
