"""The report in a real browser: no error, no request, and what its controls do."""

import importlib
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from boards import board, runs
from test_report import EVIL, STEPS, curves

from ganbench.metrics.catalogue import METRICS
from ganbench.plan import SCHEMA
from ganbench.report.page import report
from ganbench.trained import label

CHROMIUM = shutil.which("chromium")
if CHROMIUM is None and "CI" not in os.environ:
    pytest.skip("no chromium here: apt-get install chromium", allow_module_level=True)
sync_api = importlib.import_module("playwright.sync_api")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The report of two tasks, one of points and one of images, with runs of every kind."""
    folder = tmp_path_factory.mktemp("results")
    rng = np.random.default_rng(0)
    parts = [
        *(runs("real", 4, 4), runs("gap", 4, 4), runs("r1", 2, 4), runs(EVIL, 0, 4)),
        *(runs("nonsaturating", 3, 4, "digits"), runs("wgan", 0, 4, "digits")),
        *(runs("real", 4, 4, "grid"), runs("ema", 4, 4, "grid")),
    ]
    own = pd.concat(parts, ignore_index=True).assign(coverage=1.0, reason=np.nan)
    own["onset"] = np.where(own["status"] == "ok", np.nan, 200)
    own["cost_ms_per_step_lane"] = np.linspace(0.1, 3, len(own))
    own.to_csv(folder / "runs.csv", index=False)
    board(own).to_csv(folder / "leaderboard.csv", index=False)
    drawn = [
        curves(method, rng.random((4, 4)) * 8, metric, task)
        for task, method in dict.fromkeys(zip(own["task"], own["method"], strict=True))
        for metric in (*METRICS, "loss/d", "loss/g")
    ]
    pd.concat(drawn).to_parquet(folder / "curves.parquet")
    budget = {"budget": {"steps": STEPS[-1]}}
    made = {"schema": SCHEMA, "suite": "two", "protocols": {"ring": budget, "digits": budget}}
    made["protocols"]["grid"] = budget
    (folder / "provenance.json").write_text(json.dumps(made | {"made_with": []}))
    (folder / "samples").mkdir()
    for i, ((task, method), part) in enumerate(own.groupby(["task", "method"], sort=False)):
        shape = (4, 4, 256, 8, 8, 1) if task == "digits" else (4, 4, 256, 2)
        values = rng.random(shape)
        kind, scale = (np.uint8, 255) if task == "digits" else (np.float16, 1)
        samples = (scale * values).astype(kind)
        cells = np.array([label(run) for run in part.to_dict("records")])
        name = f"{task}_{method if method != EVIL else 'evil'}_{i}.npz"
        np.savez(folder / "samples" / name, cells=cells, steps=np.array(STEPS), curve=samples)
    return report(folder)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


class Watched:
    """A page, with what it complained of and asked for."""

    def __init__(self, browser, path, **how):
        self.page = browser.new_context(**how).new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def seen(self):
        """Scrolls through it all, so that every figure is drawn."""
        for place in ("#plot-failures", "#plot-survival", "#plot-modes", "#plot-loss"):
            self.drawn(place)
        for place in ("#plot-cost", "#plot-autopsy"):
            self.drawn(place)
        return self

    def drawn(self, place):
        self.page.locator(place).scroll_into_view_if_needed()
        self.page.wait_for_selector(f"{place} .main-svg")

    def traces(self, figure):
        """What Plotly was given; its own arrays as lists."""
        data = f"JSON.stringify(document.getElementById('plot-{figure}').data)"
        return json.loads(self.page.evaluate(data))

    def column(self, number):
        cells = self.page.locator(f"#board tbody tr:not([hidden]) td:nth-child({number})")
        return [text.strip() for text in cells.all_inner_texts()]


@pytest.fixture
def opened(browser, path):
    made = []

    def open_(**how):
        made.append(Watched(browser, path, **({"viewport": {"width": 1280, "height": 900}} | how)))
        return made[-1]

    yield open_
    for one in made:
        assert one.said == []  # no error, no warning, no alert of what a method is called
        assert [url for url in one.asked if not url.startswith(("data:", "blob:"))] == [
            path.as_uri()
        ]
        one.page.context.close()


def test_nothing_fails_and_nothing_leaves_the_page(opened):
    """Both tasks, all figures, light and dark; what `opened` asserts at its end."""
    one = opened().seen()
    one.page.select_option("#task", "digits")
    one.page.click("#theme")
    one.seen()
    assert one.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_it_is_dark_where_the_reader_is(opened):
    dark = opened(color_scheme="dark").page
    assert dark.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    light = opened(color_scheme="light").page
    assert light.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_filters_leave_the_rows_that_fit(opened):
    one = opened()
    assert one.column(4) == ["real", "gap", "r1", EVIL]
    one.page.fill("#method", "R1")
    assert one.column(4) == ["r1"] and one.page.inner_text("#count") == "1 of 8 rows"
    one.page.fill("#method", "")
    one.page.select_option("#status", "collapsed")
    assert one.column(4) == ["r1", EVIL]
    one.page.select_option("#task", "")
    assert one.column(4) == ["r1", EVIL, "nonsaturating", "wgan"]


def test_columns_sort_both_ways_and_by_number(opened):
    """By seconds a run, by name; what has no rank stands last either way."""
    one = opened()
    head = one.page.locator("#board thead th")
    head.filter(has_text="seconds a run").get_by_role("button").click()
    ascending = [float(text) for text in one.column(9)]
    assert ascending == sorted(ascending) and len(set(ascending)) == 4
    head.filter(has_text="seconds a run").get_by_role("button").click()
    assert [float(text) for text in one.column(9)] == ascending[::-1]
    assert one.page.get_attribute("#board th[aria-sort]", "aria-sort") == "descending"
    head.filter(has_text="rank").get_by_role("button").click()
    assert one.column(4)[-1] == "real"
    head.filter(has_text="rank").get_by_role("button").click()
    assert one.column(4)[-1] == "real"


def test_it_sorts_by_the_keyboard_alone(opened):
    one = opened()
    one.page.locator("#board thead button").filter(has_text="method").focus()
    one.page.keyboard.press("Enter")
    assert one.column(4) == sorted(one.column(4), key=str.lower)


def test_ticked_rows_are_the_ones_that_are_drawn(opened):
    one = opened().seen()
    names = "document.getElementById('plot-modes').data.map((trace) => trace.name)"
    assert {"real data", "gap", "r1"} <= set(one.page.evaluate(names))
    one.page.get_by_label("Draw r1 on ring").uncheck()
    assert "r1" not in one.page.evaluate(names)
    told = [f"{name}: steps 100, 200, 300, 400" for name in ("real", "gap", EVIL)]
    assert one.page.locator("#strips figcaption").all_inner_texts() == told


def test_figures_show_the_chosen_task(opened):
    one = opened().seen()
    one.page.select_option("#task", "digits")
    names = one.page.evaluate("document.getElementById('plot-failures').data[0].y")
    assert sorted(names) == ["nonsaturating", "wgan"]
    rates = one.page.evaluate("document.getElementById('plot-failures').data[0].x")
    assert dict(zip(names, rates, strict=True)) == {"nonsaturating": 0.25, "wgan": 1}


def test_every_figure_says_what_it_shows(opened):
    one = opened().seen()
    for figure in one.page.locator(".plot").all():
        assert figure.get_attribute("role") == "img"
        assert len(figure.get_attribute("aria-label")) > 20
    for image in one.page.locator("img").all():
        assert len(image.get_attribute("alt")) > 20


def test_autopsies_go_from_run_to_run(opened):
    one = opened().seen()
    assert "r1 on ring, seed 0, replicate 2: collapsed at step 200" in one.page.inner_text(
        "#verdict"
    )
    assert one.page.locator("#run option").count() == 6
    assert "at step 100, before" in one.page.inner_text("#sides figcaption")
    assert one.page.evaluate("document.querySelector('#sides img').naturalWidth") > 50
    one.page.click("#next")
    assert "replicate 3" in one.page.inner_text("#verdict")
    one.page.click("#previous")
    one.page.click("#previous")  # round to the last
    assert EVIL in one.page.inner_text("#verdict")
    titles = "document.getElementById('plot-autopsy').layout.annotations.map((one) => one.text)"
    assert {"modes", "loss/d", "loss/g"} <= set(one.page.evaluate(titles))


def test_a_task_without_failures_says_so(opened):
    one = opened().seen()
    assert not one.page.is_visible("#no-autopsy") and one.page.is_visible("#logged")
    one.page.select_option("#task", "grid")
    assert one.page.is_visible("#no-autopsy") and not one.page.is_visible("#logged")


def drawn_lines(traces):
    """The lines of the rows, by name; bands have no name, and real data are thinner."""
    return {x["name"]: x for x in traces if x["line"]["width"] == 2}


def test_figures_draw_the_numbers_of_the_page(opened):
    """Lines, bands, points and their intervals, of the ticked rows; all rows in what is of all."""
    one = opened().seen()
    one.page.select_option("#loss", "loss/g")
    numbers = one.page.evaluate("numbers")
    rows = numbers["rows"]
    of = {row["label"]: i for i, row in enumerate(rows) if row["task"] == "ring"}
    sources = {"survival": numbers["survival"]}
    sources |= {"modes": numbers["bands"]["modes"], "loss": numbers["bands"]["loss/g"]}
    for figure, source in sources.items():
        traces = one.traces(figure)
        lines = drawn_lines(traces)
        assert {"gap", "r1"} <= set(lines) and "real" not in lines
        for name in ("gap", "r1"):
            steps, middle, low, high = source[str(of[name])]
            assert (lines[name]["x"], lines[name]["y"]) == (steps, middle)
            band = traces[traces.index(lines[name]) - 1]
            assert band["x"] == [*steps, *steps[::-1]] and band["y"] == [*high, *low[::-1]]
    (data,) = (x for x in one.traces("modes") if x.get("name") == "real data")
    assert data["y"] == [numbers["tasks"]["ring"]["real"]] * 2
    (failed,) = one.traces("failures")
    assert failed["y"][0].startswith("&lt;/script>") and failed["y"][1:] == ["r1", "gap"]
    for place, name in ((1, "r1"), (2, "gap")):
        rate, low, high = rows[of[name]]["failed"]
        assert failed["x"][place] == rate
        assert failed["error_x"]["array"][place] == pytest.approx(high - rate)
        assert failed["error_x"]["arrayminus"][place] == pytest.approx(rate - low)
    costs = {x["name"]: x for x in one.traces("cost")}
    for name in ("gap", "r1"):
        rate, low, high = rows[of[name]]["success"]
        assert (costs[name]["x"], costs[name]["y"]) == ([rows[of[name]]["seconds"]], [rate])
        assert costs[name]["error_y"]["array"] == pytest.approx([high - rate])
        assert costs[name]["error_y"]["arrayminus"] == pytest.approx([rate - low])
    one.page.get_by_label("Draw r1 on ring").uncheck()
    assert {x["name"] for x in one.traces("cost")} >= {"gap", "other rows"}


def test_a_row_keeps_its_colour_and_has_it_alone(opened):
    one = opened().seen()
    before = {
        x["name"]: x["line"] for x in one.traces("modes") if x.get("line", {}).get("width") == 2
    }
    assert len({(x["color"], x["dash"]) for x in before.values()}) == len(before) == 3
    one.page.get_by_label("Draw gap on ring").uncheck()
    after = {
        x["name"]: x["line"] for x in one.traces("modes") if x.get("line", {}).get("width") == 2
    }
    assert after == {name: line for name, line in before.items() if name != "gap"}


def test_an_autopsy_marks_the_onset_in_every_panel(opened):
    one = opened().seen()
    shapes = one.page.evaluate("document.getElementById('plot-autopsy').layout.shapes")
    assert len(shapes) == len(one.traces("autopsy")) > 3
    assert {x for shape in shapes for x in (shape["x0"], shape["x1"])} == {200}


def test_the_table_shows_rates_with_their_intervals(opened):
    one = opened()
    rows = [row for row in one.page.evaluate("numbers")["rows"] if row["task"] == "ring"]
    told = ["{:.2f} [{:.2f}, {:.2f}]".format(*row["success"]) for row in rows]
    assert one.column(5) == told and len(set(told)) > 2


def test_what_has_the_keyboard_is_seen_and_figures_hold_no_stops(opened):
    one = opened().seen()
    one.page.keyboard.press("Tab")
    style = "getComputedStyle(document.activeElement)"
    assert one.page.evaluate(f"{style}.outlineStyle + {style}.outlineWidth") == "solid3px"
    inside = "document.querySelectorAll('.plot a, .plot button, .plot [tabindex]').length"
    assert one.page.evaluate(inside) == 0


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_is_wider_than_a_telephone(opened, width):
    one = opened(viewport={"width": width, "height": 740}).seen()
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
