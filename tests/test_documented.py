"""Every command that README and the pages name is one, and those on lines of their own run."""

import re
import shlex
import shutil

import pytest
import typer
from documented import PAGES, ROOT, blocks, mentioned, project, snippets, typed_in
from typer.exceptions import TyperException

from ganbench.cli import app

#: What is not typed here, and where it is.
ELSEWHERE = {
    "make test": "by CI",
    "make test-all": "itself",
    "make lint": "by CI",
    "make format": "rewrites files",
    "make docs": "by CI",
    "make notebooks": "by CI",
    "make perf": "an hour, of a quiet machine",
    "make perf-check": "twenty minutes of one; tests/test_speed.py compares tables",
    "make notebooks RESULTS=results/smoke": "by CI, of other results",
    "ganbench data prepare mnist": "downloads; tests/test_prepared.py reads what it makes",
}
#: Results that pages speak of -> the suite that they are of.
FOLDERS = dict.fromkeys(("old", "new", "my-suite"), "smoke")
FOLDERS |= {"stacked-mnist": "smoke"}  # 26,000 samples take minutes
FOLDERS |= dict.fromkeys(("one", "two"), "mode-collapse --tasks ring")
GPU = "DEVICE=gpu"


def parsed(words):
    """Raises if the command line does not know a command, an option or a value's kind."""
    command, context = typer.main.get_command(app), None
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            raise AssertionError(f"no command {' '.join(words) or 'that is complete'}")
        context = command.make_context(command.name, words[:1], parent=context)
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, list(words), parent=context)


def check(command):
    """Raises if there is no such target, script or command line."""
    program, *words = shlex.split(command.split(" > ")[0])
    if program == "make":
        assert words[0] in re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    elif program == "python":
        assert (ROOT / words[0]).is_file(), command
    elif program == "ganbench":
        parsed(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_is_one(page):
    for command in blocks(page):
        check(command)
    for command in mentioned(page):
        numbered = re.sub(r"\bN\b", "5", command.split("|")[0])
        try:
            check(numbered)
        except TyperException as error:
            if "Missing" not in error.format_message():  # a command's name alone
                raise


def test_what_is_no_command_is_found_out():
    for command in ("nope", "run", "run smoke --nope", "new task x", "run smoke --seeds many"):
        with pytest.raises((AssertionError, TyperException)):
            check(f"ganbench {command}")
    for command in ("make nope", "python benchmarks/nope.py"):
        with pytest.raises(AssertionError):
            check(command)


def test_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 150
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A project in which results of the suites that pages speak of are trained when asked for."""
    folder = project(tmp_path_factory.mktemp("made"))

    def made(name):
        if not (folder / "results" / name).exists():
            suite = FOLDERS.get(name, name)
            seed = "--seed 1" if name in ("new", "two") else ""
            done = typed_in(folder, f"ganbench run {suite} --out results/{name} {seed}")
            assert done.returncode == 0, done.stderr
        return folder / "results" / name

    return made


#: Pages whose Python stands for itself.
WHOLE = {"README", "reproducing"}


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda page: page.stem)
def test_every_command_runs(page, results, tmp_path):
    """In the order of the page, with the results that each speaks of or that those before made."""
    desk = project(tmp_path / "desk")
    for command in dict.fromkeys(blocks(page)):
        if command in ELSEWHERE:
            continue
        for name in re.findall(r"results/([a-z-]+)", command):
            known = name in FOLDERS or (desk / f"suites/{name}.toml").exists()
            if known and not (desk / "results" / name).exists() and " run " not in command:
                shutil.copytree(results(name), desk / "results" / name)
        done = typed_in(desk, command)
        if GPU in command:
            assert done.returncode and "that JAX can use" in done.stderr, command
            continue
        compares = "compare" in command.split()[:2]
        if compares and "results/reference" in command:  # which no tiny suite has trained
            assert done.returncode == 2 and "do not compare" in done.stderr, command
            continue
        assert done.returncode in ((0, 1) if compares else (0,)), f"{command}\n{done.stderr}"
        assert "Traceback" not in done.stderr, f"{command}\n{done.stderr}"
    for text in snippets(page) if page.stem in WHOLE else ():
        (desk / "snippet.py").write_text(text)
        done = typed_in(desk, "python snippet.py")
        assert done.returncode == 0, f"{text}\n{done.stderr}"
