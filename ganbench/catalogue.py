"""What `ganbench list` shows, and the judges' own command."""

import inspect
from collections.abc import Callable
from typing import Any

from ganbench import plugins, registry, suite
from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.tasks.catalogue import TASKS, facts
from ganbench.zoo.catalogue import NETS


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n")[0]


def _methods() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "kind": entry.kind,
            "summary": _first_line(entry.factory),
            "hyperparameters": [
                {"name": f"{name}.{p.name}", "default": p.default, "traced": p.traced}
                for p in registry.parameters(name)
            ],
        }
        for name, entry in registry.METHODS.items()
    ]


def _tasks() -> list[dict[str, Any]]:
    made = []
    for name, make in TASKS.items():
        own: dict[str, Any] = {"name": name, "summary": _first_line(make)}
        try:
            of = facts(name)
        except Exception as error:  # of a plug-in: one that cannot be made stops no list
            if plugins.source("tasks", name) == plugins.OURS:
                raise
            made.append(own | {"summary": f"cannot be made: {type(error).__name__}: {error}"})
        else:
            made.append(own | {"shape": list(of.shape), "modes": of.modes})
    return made


def _nets() -> list[dict[str, Any]]:
    return [
        {"name": f"{family}.{role}", "family": family, "role": role, "summary": _first_line(make)}
        for family, roles in NETS.items()
        for role, make in roles._asdict().items()
    ]


def _metrics() -> list[dict[str, Any]]:
    always = [(name, one.better, one.summary) for name, one in METRICS.items()]
    asked = [(name, one.better, one.summary) for name, one in OPTIONAL.items()]
    return [
        {"name": name, "better": better, "summary": summary, "always": name in METRICS}
        for name, better, summary in always + asked
    ]


def _diagnostics() -> list[dict[str, Any]]:
    return [{"name": name, "summary": one.summary} for name, one in DIAGNOSTICS.items()]


def _suites() -> list[dict[str, Any]]:
    made = [suite.read(suite.find(name)) for name in suite.suite_names()]
    return [{"name": s.name, "summary": s.summary, "tasks": list(s.tasks)} for s in made]


_LISTS: dict[str, tuple[str, Callable[[], list[dict[str, Any]]]]] = {
    "methods": ("stabilizers", _methods),
    "tasks": ("tasks", _tasks),
    "nets": ("nets", _nets),
    "metrics": ("metrics", _metrics),
    "diagnostics": ("diagnostics", _diagnostics),
    "suites": ("suites", _suites),
}
LISTS = tuple(_LISTS)


def listed(what: str) -> list[dict[str, Any]]:
    """What there is of one of `LISTS`, with where each comes from, what is broken last."""
    plugins.installed()
    kind, make = _LISTS[what]
    found = [row | {"from": plugins.source(kind, row.get("family", row["name"]))} for row in make()]
    broken = [
        {"name": name, "summary": f"broken: {reason}", "from": reason.partition(":")[0]}
        for (own, name), reason in plugins.BROKEN.items()
        if own == kind
    ]
    return found + broken
