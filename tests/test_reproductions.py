"""The committed verdicts, and the page that collects them."""

import io
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from prepared import needs

from ganbench import suite as suites
from ganbench.plan import digest, protocol
from ganbench.reproduction import page, verdicts
from ganbench.results import read_provenance

ROOT = Path(__file__).parents[1]
REFERENCE = sorted(path.parent for path in (ROOT / "results" / "reference").glob("*/runs.csv"))
FOLDERS = sorted(path.parent for path in (ROOT / "results" / "reference").glob("*/claims.csv"))


@pytest.mark.parametrize("folder", REFERENCE, ids=lambda folder: folder.name)
def test_committed_runs_are_of_todays_protocol(folder):
    """A new judge, or another setting, and they would compare with none that is made now."""
    suite = suites.read(suites.find(read_provenance(folder).get("suite", folder.name)))
    if any("mnist" in name for name in suite.tasks):
        needs("mnist")
    runs = pd.read_csv(folder / "runs.csv")
    tasks = suite.tasks if suite.name == folder.name else runs["task"].unique()
    expected = {name: {digest(protocol(suite, name))} for name in tasks}
    assert runs.groupby("task")["protocol_hash"].agg(set).to_dict() == expected


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_verdicts_are_what_the_committed_runs_say(folder):
    scaled, full = suites.settings(suites.find(folder.name))
    runs = pd.read_csv(folder / "runs.csv")
    committed = pd.read_csv(folder / "claims.csv")
    written = pd.DataFrame(verdicts(scaled, runs)).to_csv(index=False)
    made = pd.read_csv(io.StringIO(written))
    pd.testing.assert_frame_equal(made, committed, check_dtype=False)
    assert page(scaled, full, runs) == (folder / "reproduction.md").read_text()


def test_the_page_is_as_its_script_makes_it():
    made = subprocess.run(
        [sys.executable, "benchmarks/reproductions.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout == (ROOT / "docs" / "reproductions.md").read_text()
