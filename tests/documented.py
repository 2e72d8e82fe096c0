"""The commands of README, CONTRIBUTING and the pages of docs, and a project to type them in.

The project is a copy whose suites are tiny: a few steps of a few seeds, so that a command that
takes an hour as it is takes seconds. Nothing else is changed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = ("ganbench ", "make ", "python ", "pytest ", "mkdir ", "cp ")
TINY = {"steps": 4, "evaluations": 2, "batch": 16, "width": 8, "sample_batch": 64}
METHODS = 2  # of a suite without claims


def blocks(page):
    """The commands that stand on lines of their own, without their comments, in order."""
    lines = [line.split(" #")[0].rstrip() for line in page.read_text().splitlines()]
    indented = tuple(f"    {program}" for program in PROGRAMS)
    return [line.strip() for line in lines if f"{line} ".startswith(indented)]


def snippets(page):
    """The pieces of Python on a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.M | re.S)


def mentioned(page):
    """The commands in the sentences of a page: some are cut short, some have NAMES for names."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    inline = [" ".join(text.split()) for text in re.findall(r"`([^`]+)`", prose)]
    return list(dict.fromkeys([text for text in inline if text.startswith(PROGRAMS)]))


def tiny(text):
    """A suite file with the same tasks, rows and claims, and next to no budget."""
    seeds = 4 if "[[claims]]" in text else 1
    for key, value in (TINY | {"seeds": seeds, "block": seeds}).items():
        text = re.sub(rf"^{key} = [0-9].*$", f"{key} = {value}", text, flags=re.M)
    head, told, rest = text.partition("\n[diagnostics]")
    table, *others = rest.split("\n[", 1)
    text = head + told + "\n[".join([re.sub(r"= \d+", "= 1", table), *others])
    text = re.sub(r"^points = .*$", "points = 4", text, flags=re.M)
    text = re.sub(r"^shapes = .*$", "shapes = 2", text, flags=re.M)
    head, *methods = text.split("[[methods]]")
    spoken_of = ("r1.gamma = [", '"gap"\n')  # on the pages
    named = [text for text in methods[METHODS:] if any(name in text for name in spoken_of)]
    kept = methods if seeds == 4 else methods[:METHODS] + named
    return "[[methods]]".join([head, *kept])


def project(folder):
    """A copy of the project in `folder`, its suites tiny; gives it."""
    for name in ("ganbench", "examples", "results", "benchmarks", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    (folder / "suites").mkdir()
    for path in (ROOT / "suites").glob("*.toml"):
        (folder / "suites" / path.name).write_text(tiny(path.read_text()))
    binaries = folder / ".venv/bin"
    binaries.mkdir(parents=True)
    for name, words in {"ganbench": "-m ganbench", "pytest": "-m pytest", "python": ""}.items():
        path = binaries / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        path.chmod(0o755)
    for name in ("", "-test", "-docs", "-notebooks"):  # as if all had been installed
        (folder / f".venv/installed{name}").touch()
    return folder


def typed_in(folder, command):
    """What typing a command in a project of `project` gives."""
    path = os.pathsep.join([str(folder / ".venv/bin"), os.environ["PATH"]])
    cache = os.environ["GANBENCH_TEST_CACHE"]  # of all projects: programs are compiled once
    more = {"PATH": path, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": cache}
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=os.environ | more,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
