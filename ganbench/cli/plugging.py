"""The option `--plugin` that several commands have."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ganbench import plugins

Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="A file with stabilizers, nets, tasks, metrics or suites."),
]


def add(files: list[Path] | None) -> None:
    """Registers what installed packages and `files` add; says on standard error what is broken."""
    plugins.installed()
    for path in files or ():
        plugins.read(path)
    for (kind, name), reason in plugins.BROKEN.items():
        print(f"warning: {kind}: {name} is broken: {reason}", file=sys.stderr)
