"""Suite files of all sorts: each is valid, or refused in one line; nothing is written."""

import random
import re
import time
from contextlib import contextmanager

import pytest

from ganbench import suite as suites
from ganbench import sweep
from ganbench.errors import BadInput
from ganbench.plan import groups, protocol

FILES = sorted(suites.SUITES.glob("*.toml"))
#: What is put where something else was.
NASTY = [
    *("0", "-1", "1", "3", "1.5", "-0.0", "nan", "inf", "-inf", "1e400", "1e-400", "true", "false"),
    *("9223372036854775807", "-9223372036854775809", "1" + "0" * 400, "0x7f", "1_000"),
    *('""', '"x"', '"../../x"', '"r1+r1"', '"real"', '"+"', '"é\\u0000"', "'''\n'''", '"a" * 3'),
    *("[]", "[[]]", "[1, 2]", '["a"]', "[0.1, 0.1]", "{}", "{ a = 1 }", "[{}]", "1979-05-27"),
    *("{ low = 1, high = 0 }", "{ low = 0, high = 1e308, log = true }", "", "=", "#", "\x00", "💥"),
]


def mutated(text, draw, most=3):
    """One to so many changes of a suite file's text."""
    for _ in range(draw.randint(1, most)):
        text = draw.choice(CHANGES)(text, draw)
    return text


def _lines(change):
    def changed(text, draw):
        lines = text.splitlines()
        change(lines, draw.randrange(len(lines)) if lines else 0, draw)
        return "\n".join(lines)

    return changed


def _value(lines, i, draw):
    keyed = [j for j, line in enumerate(lines) if re.match(r"\s*[\w.\"-]+ = ", line)]
    if keyed:
        j = draw.choice(keyed)
        lines[j] = lines[j].split(" = ")[0] + " = " + draw.choice(NASTY)


def _key(lines, i, draw):
    keyed = [j for j, line in enumerate(lines) if " = " in line]
    if keyed:
        j = draw.choice(keyed)
        name = draw.choice(["", "x", "seeds", "steps", "name", '"a b"', "r1.gamma", "__class__"])
        lines[j] = f"{name} = " + lines[j].split(" = ", 1)[1]


def _gone(lines, i, draw):
    del lines[i : i + draw.randint(1, 4)]


def _twice(lines, i, draw):
    lines[i:i] = lines[i : i + draw.randint(1, 12)]


def _moved(lines, i, draw):
    if lines:
        lines.insert(draw.randrange(len(lines)), lines.pop(i))


def _heading(lines, i, draw):
    headings = [
        "[tasks.x]",
        "[tasks]",
        "[[methods]]",
        "[methods]",
        "[keep]",
        "[a.b.c]",
        "[[tasks]]",
    ]
    lines.insert(i, draw.choice(headings))


def _byte(text, draw):
    if not text:
        return text
    i = draw.randrange(len(text))
    return text[:i] + chr(draw.choice([0, 10, 34, 61, 91, 93, 0xE9, 0x1F4A5])) + text[i + 1 :]


def _cut(text, draw):
    return text[: draw.randrange(len(text) + 1)]


CHANGES = [
    *map(_lines, (_value, _value, _value, _key, _gone, _twice, _moved, _heading)),
    _byte,
    _cut,
]


def refused(path):
    """What is told of a suite file, or None where it is one; all but training is done with it."""
    try:
        for suite in filter(None, suites.settings(path)):
            planned = list(groups(suite))
            assert planned
            for name in suite.tasks:
                protocol(suite, name)
    except BadInput as error:
        return str(error)
    return None


@pytest.mark.parametrize("times", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_mutated_suite_is_valid_or_refused_in_one_line(tmp_path, times):
    draw, told, slowest = random.Random(times), [], 0.0
    for i in range(times):
        text = mutated(draw.choice(FILES).read_text(), draw)
        path = tmp_path / "made.toml"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        began = time.monotonic()
        try:
            error = refused(path)
        except Exception as raised:
            raise AssertionError(
                f"mutation {i}: {type(raised).__name__}: {raised}\n{text}"
            ) from None
        slowest = max(slowest, time.monotonic() - began)
        told.append(error)
        assert error is None or (error and len(error.splitlines()) == 1), error
    assert slowest < 20
    wrong = [error for error in told if error]
    assert times / 3 < len(wrong) < times and len(set(wrong)) > times / 10
    assert [p.name for p in tmp_path.iterdir()] == ["made.toml"]


@contextmanager
def nothing(job, progress):
    """An engine that trains none of it: all before that has been done."""
    yield ()


@pytest.mark.slow
def test_what_is_valid_can_be_planned_for_and_the_rest_writes_nothing(tmp_path):
    """With methods built on their tasks, as `ganbench run` does before it trains."""
    text = (suites.SUITES / "smoke.toml").read_text()
    draw, valid, wrong = random.Random(5), 0, 0
    for i in range(300):
        path, out = tmp_path / "made.toml", tmp_path / str(i)
        path.write_text(mutated(text, draw, 1), encoding="utf-8")
        began = time.monotonic()
        try:
            sweep.run(path, out, engine=nothing)
            valid += 1
        except BadInput as error:
            wrong += 1
            assert len(str(error).splitlines()) == 1 and not out.exists(), error
        except Exception as raised:
            what = f"mutation {i}: {type(raised).__name__}: {raised}"
            raise AssertionError(f"{what}\n{path.read_text()}") from None
        assert time.monotonic() - began < 60
    assert valid > 30 and wrong > 100
