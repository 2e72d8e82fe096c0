"""Commands for those who add to ganbench: check, new."""

import importlib.resources
import keyword
import re
import string
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ganbench import plugins
from ganbench.errors import BadInput
from ganbench.registry import METHODS, names_of

app = typer.Typer()
new = typer.Typer(no_args_is_help=True, help="Write what others can begin with.")
LONGEST = 60  # letters of a name
SAID = {True: "holds", False: "FAILS", None: "-"}


@app.command("check")
def check_(
    what: Annotated[str, typer.Argument(help="A method's name, or a file with plug-ins.")],
) -> None:
    """Look whether methods do what every method must; exit code 1 if one does not."""
    from ganbench.conformance import check

    sound = True
    for name in _names(what):
        print(f"{name} ({plugins.source('stabilizers', name)})")
        for one in check(name):
            told = one.property.says if one.holds else f"{one.property.says}: {one.reason}"
            print(f"{SAID[one.holds]:<6} {one.property.name:<16} {told}")
            sound = sound and one.holds is True
    raise typer.Exit(0 if sound else 1)


def _names(what: str) -> tuple[str, ...]:
    plugins.installed()
    if not what.endswith(".py"):
        names_of(what)
        if what not in METHODS:
            raise BadInput(f"check: {what!r} must be one name, not a stack, or a file")
        return (what,)
    path = Path(what)
    names = plugins.read(path)
    for (kind, name), reason in plugins.BROKEN.items():
        if reason.startswith(f"{path}:"):
            raise BadInput(f"{kind} {name}: {reason.removeprefix(f'{path}: ')}")
    if not names:
        raise BadInput(f"{what}: its PLUGIN has no stabilizers")
    return names


def _in_templates(word: str) -> bool:
    templates = (importlib.resources.files("ganbench") / "templates").iterdir()
    texts = [one.read_text("utf-8") for one in templates if one.name.endswith(".txt")]
    return any(re.search(rf"\b{word}\b", text) for text in texts)


@new.command("stabilizer")
def new_stabilizer(
    name: Annotated[str, typer.Argument(help="What it is called in a stack: small letters, '-'.")],
    out: Annotated[Path, typer.Option(help="The folder that it is written to.")] = Path(),
) -> None:
    """Write a stabilizer that works, with its test, to put your own idea into."""
    function = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST:
        told = f"must be of small letters, digits and '-', {LONGEST} at most"
        raise BadInput(f"new stabilizer: {name!r} {told}")
    files = {f"{function}.py": "stabilizer.txt", f"test_{function}.py": "test.txt"}
    for file in files:
        if (out / file).exists():
            raise BadInput(f"{out / file}: there is such a file already")
    plugins.installed()
    if name in METHODS:
        raise BadInput(f"new stabilizer: {name!r} is the name of one that is registered")
    if keyword.iskeyword(function) or find_spec(function) or _in_templates(function):
        raise BadInput(f"new stabilizer: {name!r} is a word of Python, a module or the template")
    if not out.is_dir():
        raise BadInput(f"--out: {out}: no such folder")
    templates = importlib.resources.files("ganbench") / "templates"
    for file, template in files.items():
        text = string.Template((templates / template).read_text("utf-8"))
        made = text.substitute(name=name, function=function, file=f"{function}.py")
        try:
            (out / file).write_text(made)
        except OSError as error:
            raise BadInput(f"{out / file}: cannot be written: {error.strerror}") from None
    where = out / f"{function}.py"
    print(f"wrote {where} and {out / f'test_{function}.py'}; now")
    print(f"  ganbench check {where}")
    print(f"  ganbench run smoke --plugin {where} --methods nonsaturating,{name}")
