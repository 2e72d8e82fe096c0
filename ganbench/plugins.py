"""What other packages and single files add: stabilizers, nets, tasks, metrics, suites."""

import hashlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ganbench import suite
from ganbench.errors import BadInput
from ganbench.metrics.catalogue import METRICS, OPTIONAL, SampleMetric
from ganbench.registry import BROKEN, METHODS, Entry
from ganbench.tasks.base import Task
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import NETS, Family

OURS = "ganbench"
KINDS = ("base", "modifier", "method")
NONE: Mapping[str, Any] = MappingProxyType({})


class Plugin(NamedTuple):
    """What a file adds: it has one of these in its variable `PLUGIN`. By name each."""

    stabilizers: Mapping[str, Entry] = NONE
    nets: Mapping[str, Family] = NONE
    tasks: Mapping[str, Callable[[], Task]] = NONE
    metrics: Mapping[str, SampleMetric] = NONE
    suites: Mapping[str, Path] = NONE


class _Table(NamedTuple):
    """Where things of a kind are registered, and what they must be."""

    of: dict[str, Any]
    fits: Callable[[Any], bool]
    wanted: str


def _is_entry(thing: Any) -> bool:
    return (
        isinstance(thing, Entry)
        and callable(thing.factory)
        and thing.kind in KINDS
        and isinstance(thing.version, int)
        and (thing.base is None or (thing.base in METHODS and METHODS[thing.base].kind == "base"))
    )


def _is_file(thing: Any) -> bool:
    return isinstance(thing, Path) and thing.is_file()


#: By field of `Plugin`, which is the last part of the entry points' group `ganbench.FIELD` too.
_TABLES = {
    "stabilizers": _Table(METHODS, _is_entry, "a ganbench.Entry of a factory and a known kind"),
    "nets": _Table(NETS, lambda x: isinstance(x, Family), "a ganbench.Family"),
    "tasks": _Table(TASKS, callable, "a function that returns a ganbench.Task"),
    "metrics": _Table(OPTIONAL, lambda x: isinstance(x, SampleMetric), "a ganbench.SampleMetric"),
    "suites": _Table(suite.PLUGGED, _is_file, "the pathlib.Path of its file"),
}

#: (kind, name) -> the package and version, or the file, that something comes from.
SOURCES: dict[tuple[str, str], str] = {}


def source(kind: str, name: str) -> str:
    """Where something registered comes from."""
    return SOURCES.get((kind, name), OURS)


@cache
def installed() -> None:
    """Registers what installed packages add by entry points, once a process.

    One that cannot be imported, or is not what its group holds, is listed as broken with the reason
    and stops nothing.
    """
    for kind in _TABLES:
        for point in importlib.metadata.entry_points(group=f"{OURS}.{kind}"):
            where = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
            _attempt(kind, point.name, where, point.load)


def read(path: Path) -> tuple[str, ...]:
    """Registers what the file `path` adds; gives the names of its stabilizers.

    One that cannot be imported is listed as broken, under the name of its file, and gives none.

    Raises:
        BadInput: no such file.
    """
    if not path.is_file() or path.suffix != ".py":
        raise BadInput(f"--plugin: {path}: must be a .py file that is there")
    where = str(path)
    BROKEN.pop(("stabilizers", path.stem), None)
    found = _attempt_module(path)
    if found is None:
        return ()
    for kind in _TABLES:
        for name, thing in getattr(found, kind).items():
            _attempt(kind, name, where, partial(_itself, thing))
    return tuple(name for name in found.stabilizers if source("stabilizers", name) == where)


def _itself(thing: Any) -> Any:
    return thing


def _attempt_module(path: Path) -> Plugin | None:
    name = f"ganbench_plugin_{re.sub(r'[^0-9a-zA-Z_]', '_', path.stem)}"
    spec = importlib.util.spec_from_file_location(name, path)
    try:
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and pickles look their module up
        spec.loader.exec_module(module)
        found = module.PLUGIN
        if not isinstance(found, Plugin):
            raise TypeError(f"PLUGIN is {type(found).__name__}, must be a ganbench.Plugin")
        for kind, things in found._asdict().items():
            if not (isinstance(things, Mapping) and all(isinstance(n, str) for n in things)):
                raise TypeError(f"PLUGIN.{kind} must be a table by name")
        return found
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a stranger's file does, exit included
        BROKEN["stabilizers", path.stem] = _reason(error, str(path))
        return None


def _attempt(kind: str, name: str, where: str, load: Callable[[], Any]) -> None:
    """Registers one thing, or notes why it cannot be."""
    table = _TABLES[kind]
    try:
        thing = load()
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
            raise ValueError("a name is of small letters, digits, '-', '_' and '.'")
        taken = name in table.of or (kind == "metrics" and name in METRICS)
        if taken and SOURCES.get((kind, name)) != where:
            raise ValueError(f"the name is taken, by {source(kind, name)}")
        if not table.fits(thing):
            raise TypeError(f"is {type(thing).__name__}, must be {table.wanted}")
        if isinstance(thing, Entry):
            thing = thing._replace(stamp=_stamp(thing))
            _check_signature(thing)
        table.of[name] = thing
        SOURCES[kind, name] = where
        BROKEN.pop((kind, name), None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        BROKEN[kind, name] = _reason(error, where)


def _stamp(entry: Entry) -> str:
    """What the file that a factory stands in holds; another version of it gives other runs."""
    found = inspect.getsourcefile(inspect.unwrap(entry.factory))
    return hashlib.sha256(Path(found).read_bytes()).hexdigest() if found else ""


def _check_signature(entry: Entry) -> None:
    """Raises TypeError where hyperparameters cannot be read off the factory."""
    for p in inspect.signature(entry.factory, eval_str=True).parameters.values():
        if p.annotation is inspect.Parameter.empty:
            raise TypeError(f"hyperparameter {p.name} has no annotation")


def _reason(error: BaseException, where: str) -> str:
    try:
        text = str(error).splitlines()
    except Exception:  # of an exception that cannot even be told
        text = []
    return f"{where}: {type(error).__name__}{f': {text[0]}' if text else ''}"
