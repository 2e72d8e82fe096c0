"""Ratios of speed against the committed table: what is worse is named, times are not looked at."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def check(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import speed_check

    return speed_check


def row(**changed):
    return dict(
        nets="mlp", batch="64", lanes="16", over_eager="8", evaluation="0.02", rate="9000"
    ) | {k: str(v) for k, v in changed.items()}


def test_equal_and_better_and_slower_machines_pass(check):
    assert check.worse([row()], [row()]) == []
    assert check.worse([row()], [row(rate=10, over_eager=6.1, evaluation=0.039)]) == []
    assert check.worse([row(overhead="")], [row(overhead="")]) == []


def test_what_is_worse_is_named_with_both_figures(check):
    before = row(overhead=0.01)
    found = check.worse([before], [row(over_eager=5.9, evaluation=0.08, overhead=0.061)])
    assert found == [
        "mlp 64 16: over_eager is 5.90, was 8.00",
        "mlp 64 16: overhead is 0.06, was 0.01",
        "mlp 64 16: evaluation is 0.08, was 0.02",
    ]
    assert check.worse([before], [row(overhead=0.059)]) == []


@pytest.mark.parametrize("column", ["over_eager", "evaluation"])
def test_what_is_no_number_is_worse(check, column):
    assert check.worse([row()], [row(**{column: "nan"})])


def test_the_noisiest_ratio_is_held_against_the_least_of_its_rounds(check):
    before = row(over_eager_low=4)
    assert check.worse([before], [row(over_eager=3.1)]) == []
    assert check.worse([before], [row(over_eager=2.9)]) == [
        "mlp 64 16: over_eager is 2.90, was 8.00"
    ]


def test_what_was_not_measured_is_not_passed_over(check):
    assert check.worse([row()], [row(lanes=4)]) == [
        "mlp 64 16: over_eager was 8.00 and was not measured",
        "mlp 64 16: evaluation was 0.02 and was not measured",
    ]
    assert check.worse([row()], [row(over_eager="")])


def test_the_exit_code_says_it(tmp_path):
    def code(change):
        for name in ("speed.csv", "speed_devices.csv"):
            (tmp_path / name).write_text(change((BENCHMARKS / name).read_text()))
        command = [sys.executable, BENCHMARKS / "speed_check.py", tmp_path]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert code(lambda text: text) == 0
    assert code(lambda text: text.splitlines()[0] + "\n") == 1


def test_a_target_is_judged_by_its_worst(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from speed_page import Target

    assert Target("", 3.0, [9.0, 3.1]).met() and not Target("", 3.0, [9.0, 2.9]).met()
    assert Target("", 0.05, [0.01], True).met() and not Target("", 0.05, [0.01, 0.06], True).met()


def test_the_readme_quotes_the_table(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from speed_page import rows_of

    text = (BENCHMARKS.parent / "README.md").read_text()
    names = {("mlp", "64"): "`mlp`, 2 x 128", ("conv", "64"): "`conv`", ("dcgan", "64"): "`dcgan`"}
    for row in rows_of("speed.csv"):
        if row["lanes"] == "16" and row["batch"] != "512":
            name = names.get((row["nets"], row["batch"]), "")
            ratios = " | ".join(
                f"{float(row[k]):.1f}" for k in ("over_eager", "over_per_core", "over_stacked")
            )
            assert f"| {name} | {row['batch']} | {ratios} |".replace("|  |", "| |") in text, row
