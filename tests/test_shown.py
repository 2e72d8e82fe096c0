"""What the terminal shows of a leaderboard's scores, and what it refuses."""

import io

import numpy as np
import pandas as pd
import pytest
from boards import board, runs
from rich.console import Console

from ganbench import shown
from ganbench.cli import main
from ganbench.errors import BadInput


def told(made):
    console = Console(file=io.StringIO(), width=200)
    for part in made:
        console.print(part, highlight=False)
    return console.file.getvalue().splitlines()


def line(lines, method):
    (found,) = [one for one in lines if one.startswith(f"{method} ")]
    return " ".join(found.split())


REAL = runs("real", 16, 16, modes=8.0, high_quality=0.99)
HALF = np.repeat([3.0, 5.0], 8)
OWN = runs("a", 8, 16, modes=HALF, high_quality=[np.nan] * 4 + [0.5] * 12)


def test_scores_with_their_intervals_and_n():
    lines = told(shown.scores(board(REAL, OWN), ["modes", "high_quality"]))
    assert line(lines, "real") == "real 8 0.99"
    assert line(lines, "a") == "a 4 [3.45, 4.55] 0.5 (n = 12)"  # 4 +- 2.131 * 1.033 / 4
    assert any(one.startswith("intervals of this version at n = 16, in the") for one in lines)
    assert "modes: t, holds 9" in " ".join(lines)


def test_above_the_floor_is_less_the_mean_of_real():
    lines = told(shown.scores(board(REAL, OWN), ["modes", "high_quality"], above_floor=True))
    assert line(lines, "real") == "real 0 0"
    assert line(lines, "a") == "a -4 [-4.55, -3.45] -0.49 (n = 12)"


def test_no_floor_no_difference():
    real = REAL.assign(modes=np.nan)
    assert line(told(shown.scores(board(real, OWN), ["modes"], True)), "a") == "a -"
    with pytest.raises(BadInput, match="--above-floor: task ring has no row real to go by"):
        told(shown.scores(board(OWN), ["modes"], above_floor=True))
    assert line(told(shown.scores(board(OWN), ["modes"])), "a") == "a 4 [3.45, 4.55]"


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (lambda b: b.drop(columns="rank_low"), [], "not a leaderboard: no column rank_low"),
        (lambda b: b.drop(columns="fid_low"), [], "not a leaderboard: no column fid_low"),
        (lambda b: b.assign(hyperparameters="{"), [], "hyperparameters '{' are no JSON table"),
        (lambda b: b, ["--scores", "kid"], "--scores: 'kid' is none of this leaderboard's"),
        (lambda b: b, ["--above-floor"], "--above-floor: goes with --scores"),
        (lambda b: b, ["--scores", "fid,"], "--scores: 'fid,' must be names separated by commas"),
    ],
)
def test_what_cannot_be_shown_is_refused(tmp_path, capsys, monkeypatch, change, words, message):
    change(board(REAL, OWN)).to_csv(tmp_path / "leaderboard.csv", index=False)
    monkeypatch.setattr("sys.argv", ["ganbench", "leaderboard", str(tmp_path), *words])
    with pytest.raises(SystemExit) as end:
        main()
    error = capsys.readouterr().err
    assert end.value.code == 2 and message in error and error.count("\n") == 1


def test_pairings_without_an_interval():
    row = {"task": "ring", "method": "a", "hyperparameters": "{}", "judges": 2}
    row |= {"gam2_mean": 0.5, "gam2_low": np.nan, "gam2_high": np.nan, "gam2_worst": 0.4}
    none = row | {"method": "b", "judges": 0} | dict.fromkeys(("gam2_mean", "gam2_worst"), np.nan)
    lines = told(shown.tournament(pd.DataFrame([row | {"gam2_n": 2}, none | {"gam2_n": 0}])))
    assert line(lines, "a") == "a 0.50 2 0.40 2"
    assert line(lines, "b") == "b - 0 - 0"
