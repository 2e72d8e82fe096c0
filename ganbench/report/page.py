"""One page that holds all of a results folder, opens offline and asks nothing of any server."""

import base64
import gzip
import importlib.resources
import json
from collections import Counter
from pathlib import Path
from typing import Any

import jinja2
import plotly.offline
from markupsafe import Markup

from ganbench.files import write
from ganbench.report.autopsy import autopsies
from ganbench.report.contents import contents
from ganbench.report.pictures import pictured
from ganbench.results import load

NAME = "report.html"
SCRIPTS = ("board.js", "figures.js", "autopsy.js", "main.js")  # each uses what those before it have


def report(folder: Path) -> Path:
    """Writes the report of a results folder into it; gives its path.

    Raises:
        BadInput: no results folder, or one that cannot be read or written to.
    """
    text = page(folder)
    write(folder, {NAME: lambda path: path.write_text(text, encoding="utf-8")})
    return folder / NAME


def page(folder: Path) -> str:
    """The report as HTML."""
    results = load(folder)
    made = contents(results)
    numbers = made.numbers
    failed = autopsies(results.runs, results.curves, made.places)
    strips = pictured(folder, made.by_run(results.runs), failed)
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        _asset("page.html")
    )
    return template.render(
        suite=results.provenance.get("suite") or folder.resolve().name,
        made_with=results.provenance.get("made_with", []),
        tasks=numbers["tasks"],
        rows=numbers["rows"],
        statuses=numbers["statuses"],
        ended=Counter(results.runs["status"]),
        style=Markup(_asset("page.css")),
        plotly=_packed(plotly.offline.get_plotlyjs()),
        scripts=[Markup(_asset(x)) for x in SCRIPTS],
        numbers=_embedded(numbers | {"strips": strips}),
        autopsies=_packed(json.dumps(failed, separators=(",", ":"))),
    )


def _asset(name: str) -> str:
    return (importlib.resources.files("ganbench.report") / "assets" / name).read_text("utf-8")


def _embedded(value: Any) -> Markup:
    """JSON that no text in it can break out of."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))


def _packed(text: str) -> str:
    """A text, compressed: what takes most room, and is looked at late or never."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
