"""The command line, used: what a run and a leaderboard print."""

import io

from commands import typed
from rich.console import Console

from ganbench import suite as suites
from ganbench.cli.display import shown

GOOD = (suites.SUITES / "smoke.toml").read_text()


def test_run_trains_prints_a_line_a_group_and_the_leaderboard(tmp_path, monkeypatch, capsys):
    text = GOOD.replace("width = 64", "width = 8") + "hyperparameters.unrolled.steps = [0, 1]\n"
    (tmp_path / "made.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ganbench.runtime.set_devices", lambda device: None)  # chosen already
    words = ["run", "made.toml", "--tasks", "ring", "--methods", "unrolled"]
    code = typed(monkeypatch, *words, "--steps", "20", "--seeds", "2", "--out", "here")
    assert code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "5 groups to train"
    assert lines[1].startswith("[1/5] ring real: 2 ok (")
    assert [line for line in lines if line.startswith("[5/5] ring unrolled: 2 ")]
    rows = [line.split() for line in lines if "unrolled (unrolled.steps=" in line]
    assert {row[3] for row in rows} == {"(unrolled.steps=0)", "(unrolled.steps=1)"}
    assert typed(monkeypatch, "leaderboard", "here") == 0
    assert capsys.readouterr().out.splitlines() == lines[6:]


def test_without_arguments_help_is_all(monkeypatch, capsys):
    assert typed(monkeypatch) == 2
    printed = capsys.readouterr()
    assert "Benchmark the training stability" in printed.out and printed.err == ""


def test_live_display_says_where_it_is_and_what_has_happened():
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=200)
    with shown(console) as progress:
        progress.begin(2, 2000)
        progress.group("ring gap")
        progress.advance(1000)
        progress.done("ring gap", ["ok", "ok", "collapsed"])
        progress.group("ring r1")
        progress.stopped(1)
    text = file.getvalue()
    assert "group 1/2  ring gap" in text and "lane-steps/s  ETA 0m" in text
    assert "[1/2] ring gap: 1 collapsed, 2 ok (" in text
    assert "group 2/2  ring r1" in text and "runs so far: 1 collapsed, 2 ok" in text
    assert "time limit: 1 of 2 groups not started" in text
