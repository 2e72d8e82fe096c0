"""What others add: a package that is installed, files, and all that can be wrong with them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from commands import typed

from ganbench import plugins
from ganbench.errors import BadInput
from ganbench.metrics.catalogue import OPTIONAL
from ganbench.plan import Cell, Row, cell_hash
from ganbench.registry import BROKEN, METHODS, canonical_name
from ganbench.suite import PLUGGED
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import NETS

EXAMPLE = Path(__file__).parents[1] / "examples/ganbench-example"
REGISTERED = (METHODS, NETS, TASKS, OPTIONAL, PLUGGED, BROKEN, plugins.SOURCES)


@pytest.fixture(autouse=True)
def as_before():
    """Nothing that a test adds stays."""
    before = [dict(table) for table in REGISTERED]
    yield
    for table, was in zip(REGISTERED, before, strict=True):
        table.clear()
        table.update(was)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the example installed, and packages that are broken in every way."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(folder), str(EXAMPLE)], check=True)
    broken = {
        "raises": ("raise RuntimeError('no such luck\\nat all')", "stabilizers", "ENTRY"),
        "leaves": ("import sys; sys.exit(3)", "stabilizers", "ENTRY"),
        "other": ("ENTRY = 7", "stabilizers", "ENTRY"),
        "r1": (
            "from ganbench import Entry\nENTRY = Entry(lambda: lambda r: r, 'modifier')",
            "stabilizers",
            "ENTRY",
        ),
        "absent": ("", "nets", "FAMILY"),
    }
    for name, (text, group, variable) in broken.items():
        (folder / f"broken_{name}.py").write_text(text)
        info = folder / f"broken_{name}-2.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: broken-{name}\nVersion: 2.0\n"
        )
        points = f"[ganbench.{group}]\n{name} = broken_{name}:{variable}\n"
        (info / "entry_points.txt").write_text(points)
    return folder


def ganbench(site, *words):
    """The command line in a process that finds what is installed in `site`."""
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "ganbench", *map(str, words)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "what, name",
    [
        ("tasks", "cross"),
        ("metrics", "spread"),
        ("nets", "keen-mlp.encoder"),
        ("suites", "example"),
    ],
)
def test_what_is_installed_is_listed_with_where_it_comes_from(site, what, name):
    told = ganbench(site, "list", what, "--json")
    rows = {row["name"]: row for row in json.loads(told.stdout)}
    assert told.returncode == 0 and rows[name]["from"] == "ganbench-example 1.0"
    assert {row["from"] for row in rows.values()} >= {"ganbench"}


def test_what_is_broken_is_listed_with_its_reason_and_stops_nothing(site):
    told = ganbench(site, "list", "methods", "--json")
    rows = json.loads(told.stdout)
    broken = {row["name"]: row["summary"] for row in rows if row["summary"].startswith("broken")}
    assert broken == {
        "raises": "broken: broken-raises 2.0: RuntimeError: no such luck",
        "leaves": "broken: broken-leaves 2.0: SystemExit: 3",
        "other": "broken: broken-other 2.0: TypeError: is int, must be a ganbench.Entry of a "
        "factory and a known kind",
        "r1": "broken: broken-r1 2.0: ValueError: the name is taken, by ganbench",
    }
    assert [row["from"] for row in rows if row["name"] == "r1"] == ["ganbench", "broken-r1 2.0"]
    assert [row["from"] for row in rows if row["name"] == "drift"] == ["ganbench-example 1.0"]
    assert "warning: stabilizers: raises is broken" in told.stderr
    told = ganbench(site, "run", "smoke", "--methods", "raises", "--out", site / "out")
    assert told.returncode == 2 and "'raises' is a broken plug-in" in told.stderr
    assert not (site / "out").exists()


def test_a_plugin_that_takes_the_name_of_ours_does_not_take_ours_away(tmp_path):
    assert plugins.read(written(tmp_path, SOUND.replace('"mine"', '"r1"'))) == ()
    assert "the name is taken, by ganbench" in BROKEN["stabilizers", "r1"]
    assert canonical_name("r1") == "r1"


@pytest.mark.slow
def test_a_suite_of_a_plugin_runs_its_method_on_its_task_with_its_nets_and_score(site, tmp_path):
    told = ganbench(site, "run", "example", "--out", tmp_path / "out")
    assert told.returncode == 0, told.stderr
    board = pd.read_csv(tmp_path / "out/leaderboard.csv").set_index("method")
    assert set(board["task"]) == {"cross"} and board.loc["drift", "n"] == 4
    assert board.loc["real", "spread_mean"] == pytest.approx(1, abs=0.1)
    assert ganbench(site, "check", "drift").returncode == 0
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    own = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE)]
    subprocess.run(own, env=os.environ | {"PYTHONPATH": path}, check=True, cwd=tmp_path)


SOUND = """
from ganbench import Entry, Plugin
from ganbench.parts import add_to_loss

def mine(weight: float = 0.1):
    return add_to_loss("d", lambda p, data, key, t: weight * p("d", data.real(key)).score.mean())

PLUGIN = Plugin(stabilizers={"mine": Entry(mine, "modifier")})
"""


def written(folder, text, name="mine.py"):
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_adds_what_its_plugin_holds(tmp_path):
    path = written(tmp_path, SOUND)
    assert plugins.read(path) == ("mine",)
    assert canonical_name("nonsaturating+mine") == "mine"
    assert plugins.source("stabilizers", "mine") == str(path)
    assert plugins.read(path) == ("mine",)  # again: it is its own


@pytest.mark.parametrize(
    "text, reason",
    [
        ("def", "SyntaxError"),
        ("raise ValueError('no')", "ValueError: no"),
        ("PLUGIN = 1", "TypeError: PLUGIN is int, must be a ganbench.Plugin"),
        ("x = 1", "AttributeError"),
        (
            "from ganbench import Plugin\nPLUGIN = Plugin(stabilizers=['mine'])",
            "TypeError: PLUGIN.stabilizers must be a table by name",
        ),
        (
            "class Untold(Exception):\n    def __str__(self): raise ValueError\nraise Untold",
            "Untold",
        ),
    ],
)
def test_a_file_that_is_none_is_broken_under_its_own_name(tmp_path, text, reason):
    assert plugins.read(written(tmp_path, text)) == ()
    assert reason in BROKEN["stabilizers", "mine"]
    with pytest.raises(BadInput, match="'mine' is a broken plug-in"):
        canonical_name("mine")


@pytest.mark.parametrize(
    "old, new",
    [
        ('"modifier"', '"bogus"'),
        ("Entry(mine,", "Entry(7,"),
        ('"modifier"', '"modifier", base="nope"'),
        ('"modifier"', '"modifier", version="2"'),
        ("weight: float", "weight"),
        ("weight: float", "weight: 'Nope'"),
    ],
)
def test_an_entry_that_cannot_be_run_is_broken(tmp_path, old, new):
    assert plugins.read(written(tmp_path, SOUND.replace(old, new))) == ()
    assert re.search("must be a ganbench.Entry|no annotation|Nope", BROKEN["stabilizers", "mine"])


def test_an_edited_file_is_another_method(tmp_path):
    """What was trained before the edit is trained anew, not shown as the new idea's."""
    cell = Cell(Row("ring", "mine", '{"mine.weight":0.1}'), 0, 0)
    plugins.read(written(tmp_path, SOUND))
    before = cell_hash("p", cell)
    plugins.read(written(tmp_path, SOUND))
    assert cell_hash("p", cell) == before
    plugins.read(written(tmp_path, SOUND.replace("weight * p", "2 * weight * p")))
    assert cell_hash("p", cell) != before


@pytest.mark.parametrize("command", [["check"], ["run", "smoke", "--methods", "mine", "--plugin"]])
def test_a_factory_that_ends_the_program_does_not_end_it_well(
    tmp_path, monkeypatch, capsys, command
):
    text = SOUND.replace("    return add", "    raise SystemExit(0)\n    return add")
    words = [*command, written(tmp_path, text)]
    more = ["--out", tmp_path / "out"] if command[0] == "run" else []
    assert typed(monkeypatch, *words, *more) == (2 if more else 1)
    told = capsys.readouterr()
    assert "ends the program" in told.err + told.out and not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["Mine", "a+b", "-x", "a b", ""])
def test_a_name_that_no_stack_can_hold_is_broken(tmp_path, name):
    text = SOUND.replace('{"mine"', f'{{"{name}"')
    assert plugins.read(written(tmp_path, text)) == ()
    assert "a name is of small letters" in BROKEN["stabilizers", name]


def test_a_file_that_is_not_there_is_bad_input(tmp_path, monkeypatch, capsys):
    with pytest.raises(BadInput, match="must be a .py file that is there"):
        plugins.read(tmp_path / "nothing.py")
    with pytest.raises(BadInput, match="must be a .py file that is there"):
        plugins.read(written(tmp_path, SOUND, "mine.txt"))
    words = ("run", "smoke", "--plugin", tmp_path / "nothing.py", "--out", tmp_path / "out")
    assert typed(monkeypatch, *words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1 and not (tmp_path / "out").exists()


NOT_VMAPPABLE = SOUND.replace("weight * p(", "float(weight) * p(")
WRONG_SHAPE = """
from ganbench import Entry, Method, Plugin
from ganbench.references import noise
from ganbench.setting import Setting

def mine(setting: Setting):
    made = noise(setting)
    return Method(made.init, made.step, lambda state, key: made.generate(state, key)[:, :1])

PLUGIN = Plugin(stabilizers={"mine": Entry(mine, "method")})
"""


def test_check_gives_each_the_right_verdict(tmp_path, monkeypatch, capsys):
    assert typed(monkeypatch, "check", written(tmp_path, WRONG_SHAPE)) == 1
    out = capsys.readouterr().out
    assert "FAILS  samples" in out and "generate gives (8, 1) samples, must be (8, 2)" in out
    assert typed(monkeypatch, "check", written(tmp_path, NOT_VMAPPABLE, "other.py")) == 2
    assert "the name is taken" in capsys.readouterr().err


def test_a_step_that_is_not_vmappable_is_named(tmp_path, monkeypatch, capsys):
    assert typed(monkeypatch, "check", written(tmp_path, NOT_VMAPPABLE)) == 1
    out = capsys.readouterr().out
    assert "FAILS  lanes" in out and "Concret" in out
    assert "-      floats" in out


def test_check_of_what_is_no_method_is_bad_input(monkeypatch, capsys):
    for what, told in (("r1+gap", "one name, not a stack"), ("nope", "unknown name 'nope'")):
        assert typed(monkeypatch, "check", what) == 2
        assert told in capsys.readouterr().err


def test_check_of_a_file_that_cannot_be_imported_is_its_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "raise ValueError('no')")
    for path in (tmp_path / "mine.py", "./mine.py", "mine.py"):
        assert typed(monkeypatch, "check", path) == 2
        assert "ValueError: no" in capsys.readouterr().err
    assert (
        typed(
            monkeypatch,
            "check",
            written(tmp_path, "from ganbench import Plugin\nPLUGIN = Plugin()"),
        )
        == 2
    )
    assert "has no stabilizers" in capsys.readouterr().err


def test_a_new_stabilizer_works_as_it_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert typed(monkeypatch, "new", "stabilizer", "my-idea") == 0
    assert "ganbench check my_idea.py" in capsys.readouterr().out
    assert typed(monkeypatch, "check", "my_idea.py") == 0
    assert "FAILS" not in capsys.readouterr().out
    assert typed(monkeypatch, "new", "stabilizer", "my-idea") == 2
    assert "there is such a file already" in capsys.readouterr().err
    wrong = ("My", "a--b", "1a", "class", "a.b", "", "r1", "jnp", "add-to-loss", "numpy", "a" * 99)
    for name in wrong:
        assert typed(monkeypatch, "new", "stabilizer", name) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir() if path.suffix} == {
        "my_idea.py",
        "test_my_idea.py",
    }


@pytest.mark.slow
def test_the_test_of_a_new_stabilizer_passes_and_can_fail(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed(monkeypatch, "new", "stabilizer", "my-idea") == 0
    own = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_idea.py"]
    assert subprocess.run(own, cwd=tmp_path).returncode == 0
    path = tmp_path / "my_idea.py"
    path.write_text(path.read_text().replace("return weight *", "return 2 * weight *"))
    assert subprocess.run(own, cwd=tmp_path, capture_output=True).returncode == 1
