"""Where results come from: versions, source, device, protocols. No host, user, path or time."""

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ganbench.plan import SCHEMA

PACKAGES = ("ganbench", "jax", "jaxlib", "flax", "optax", "numpy", "scipy", "scikit-learn")


@cache
def commit() -> str:
    """The source's git commit, with `+changes` if files differ from it; empty if no checkout."""
    package = Path(__file__).resolve().parent
    here = str(package)

    def git(*words: str) -> str:
        command = ["git", "-C", here, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=9).stdout.strip()

    try:
        # installed below somebody else's checkout, that project's commit says nothing of ours
        ours = git("rev-parse", "--show-toplevel") == str(package.parent)
        head = git("rev-parse", "HEAD") if ours else ""
        return head + ("+changes" if head and git("status", "--porcelain", "--", here) else "")
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _written(made: Mapping[str, Any]) -> str:
    return json.dumps(made, indent=1, sort_keys=True, default=list) + "\n"


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Of Python, and of packages, by name: those that move numbers if none are given."""
    made = {name: importlib.metadata.version(name) for name in packages}
    return made | {"python": platform.python_version()}


def origin(device: str, protocols: Mapping[str, Any]) -> str:
    """A group's `provenance.json`: what it was trained with, and its task's protocol."""
    made = {"schema": SCHEMA, "versions": versions(), "device": device, "commit": commit()}
    return _written(made | {"protocols": protocols})


def provenance(
    suite: str, protocols: Mapping[str, Any], origins: Iterable[Mapping[str, Any]]
) -> str:
    """A results folder's `provenance.json`; `made_with` holds its groups' origins, each once."""
    bare = [{k: x for k, x in own.items() if k != "protocols"} for own in origins]
    each = {_written(origin): origin for origin in bare}
    made = {"schema": SCHEMA, "suite": suite, "protocols": protocols}
    return _written(made | {"made_with": [each[text] for text in sorted(each)]})


class Difference(NamedTuple):
    """A key at which two tables differ, `outer.inner`, with what either has there."""

    key: str
    a: Any
    b: Any


def differences(
    a: Mapping[str, Any], b: Mapping[str, Any], prefix: str = ""
) -> Iterator[Difference]:
    """The keys, in sorted order, at which two nested tables differ."""
    for key in sorted({*a, *b}):
        x, y = a.get(key), b.get(key)
        if isinstance(x, Mapping) and isinstance(y, Mapping):
            yield from differences(x, y, f"{prefix}{key}.")
        elif x != y:
            yield Difference(f"{prefix}{key}", x, y)
