"""Where results come from: versions, source, device, protocols. No host, user, path or time."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ganbench.plan import SCHEMA

_PACKAGES = ("ganbench", "jax", "jaxlib", "flax", "optax", "numpy", "scipy", "scikit-learn")


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


def provenance(suite: str, protocols: Mapping[str, Any], device: str) -> dict[str, Any]:
    """What `provenance.json` holds. Each row of `runs.csv` has its own commit and device too."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "schema": SCHEMA,
        "suite": suite,
        "protocols": {task: protocols[task] for task in sorted(protocols)},
        "versions": versions | {"python": platform.python_version()},
        "device": device,
        "commit": commit(),
    }


def first_difference(a: Mapping[str, Any], b: Mapping[str, Any], prefix: str = "") -> str | None:
    """The first key, in sorted order, at which two nested tables differ; None if they are equal."""
    for key in sorted({*a, *b}):
        x, y = a.get(key), b.get(key)
        if isinstance(x, Mapping) and isinstance(y, Mapping):
            found = first_difference(x, y, f"{prefix}{key}.")
            if found:
                return found
        elif x != y:
            return f"{prefix}{key} ({x!r} there, {y!r} here)"
    return None
