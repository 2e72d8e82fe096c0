"""Figures of single runs: what is drawn of which run, and where it is cut."""

from pathlib import Path

import matplotlib.colors as colors
import numpy as np
import pytest

import ganbench
from ganbench.errors import BadInput
from ganbench.plan import RUN
from ganbench.report.single import ENDED, anatomy, courses

EXCERPT = Path(__file__).parents[1] / "results/reference/excerpt"


@pytest.fixture(scope="module")
def results():
    return ganbench.load(EXCERPT)


def test_a_line_a_run_in_the_colour_of_its_end(results):
    """Of `r1`, four rows of eight runs: each line is its run's curve, a cross where it failed."""
    axes = courses(results, "ring", ["r1"]).axes
    assert len(axes) == 4 * 3
    rows = results.leaderboard.query("method == 'r1'")
    for first, (_, row) in zip(axes[::3], rows.iterrows(), strict=True):
        own = results.runs[results.runs["hyperparameters"] == row["hyperparameters"]]
        whole = [line for line in first.lines if line.get_marker() == "None"]
        crosses = [line for line in first.lines if line.get_marker() == "x"]
        drawn = [colors.to_hex(line.get_color()) for line in whole]
        assert drawn == [ENDED[status == "ok"] for status in own["status"]]
        assert [line.get_xdata()[0] for line in crosses] == own["onset"].dropna().tolist()
        curves = results.curves.merge(own.iloc[[0]][RUN], on=RUN).query("metric == 'modes'")
        np.testing.assert_array_equal(whole[0].get_ydata(), curves["mean"])


def test_what_is_drawn_unless_asked(results):
    titles = [axes.get_title("left") for axes in courses(results, "ring").axes]
    first = [title.split(" ")[0] for title in titles[::3]]
    assert first == ["gap", "nonsaturating", "r1", "ebgan-pt", "wgan"]
    assert titles[1:3] == ["loss/d", "loss/g"]


def test_an_autopsy_has_the_samples_around_the_onset_and_every_quantity(results):
    run = results.runs.query("method == 'r1' and status == 'collapsed' and onset < 3500").iloc[0]
    axes = anatomy(results, run).axes
    pictures = [ax for ax in axes if ax.images]
    steps = [int(ax.get_title().split()[1]) for ax in pictures]
    assert len(steps) == 8 and steps == sorted(steps) and run["onset"] in steps
    failed = [ENDED[False] == ax.title.get_color() for ax in pictures]
    assert failed == [step >= run["onset"] for step in steps]
    assert not np.array_equal(pictures[0].images[0].get_array(), pictures[-1].images[0].get_array())
    logged = set(results.curves.merge(run[RUN].to_frame().T.infer_objects(), on=RUN)["metric"])
    panels = {ax.get_title("left"): ax for ax in axes if ax.lines}
    assert set(panels) == logged
    assert all(ax.lines[1].get_xdata()[0] == run["onset"] for ax in panels.values())


def test_an_autopsy_without_samples_has_curves_still(results):
    run = results.runs.query("method == 'wgan'").iloc[0]
    axes = anatomy(results, run).axes
    assert not any(ax.images for ax in axes) and any(ax.lines for ax in axes)


@pytest.mark.parametrize(
    "task, methods, told",
    [
        ("grid", None, "no curves of task 'grid'"),
        ("ring", ["nope"], "'nope' is none that task ring trains"),
    ],
)
def test_what_is_not_there_is_refused(results, task, methods, told):
    with pytest.raises(BadInput, match=told):
        courses(results, task, methods)


def test_without_curves_nothing_is_drawn(results):
    bare = results._replace(curves=results.curves.iloc[:0])
    with pytest.raises(BadInput, match="no curves"):
        courses(bare, "ring")
    with pytest.raises(BadInput, match="no curves"):
        anatomy(bare, results.runs.iloc[0])
