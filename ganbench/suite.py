"""Suite files: found, read, checked, and changed by the command line."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic

from ganbench.axes import LIMIT, BoxTable
from ganbench.checks import check_claims, check_names, check_rows
from ganbench.claims import planned
from ganbench.errors import BadInput, choices
from ganbench.plan import groups
from ganbench.registry import canonical_name
from ganbench.schema import (
    ClaimTable,
    KeepTable,
    MethodTable,
    OutcomeTable,
    PublishedTable,
    RowTable,
    Suite,
    TaskTable,
)

SUITES = Path(__file__).resolve().parent.parent / "suites"
PLUGGED: dict[str, Path] = {}  # suites of plug-ins, by name


def find(suite: str) -> Path:
    """The file of a suite given by name or by path.

    Raises:
        BadInput: neither a file nor one of the suites there are.
    """
    for path in (Path(suite), SUITES / f"{suite}.toml", PLUGGED.get(suite)):
        if path and path.is_file():
            return path
    known = f"one of {choices(suite_names())}" if suite_names() else f"in {SUITES}, which has none"
    raise BadInput(f"no suite {suite!r}: neither a file nor {known}")


def suite_names() -> list[str]:
    """The suites that come with the project, and those of plug-ins."""
    return sorted({*(path.stem for path in SUITES.glob("*.toml")), *PLUGGED})


def read(path: Path) -> Suite:
    """The checked suite in the file at `path`. Raises: see `settings`."""
    return settings(path)[0]


def settings(path: Path) -> tuple[Suite, Suite | None]:
    """The checked suite in the file at `path`, and its published setting if it has one.

    That is the suite with what the file's table `full` has for its other keys: the suite by itself
    is one scaled down. Both are checked, whichever is asked for.

    Raises:
        BadInput: not readable, not TOML, or a key that is unknown, missing, of the wrong type or
            out of range; the message names file, key and what is allowed.
    """
    try:
        raw = tomllib.loads(path.read_bytes().decode())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: not TOML: {error}") from None
    full = raw.pop("full", {})
    if not isinstance(full, dict):
        raise BadInput(f"{path}: full: must be a table of the suite's keys")
    suite = _checked(path, raw)
    return suite, _checked(path, _merged(raw, full), "full.") if full else None


def _merged(table: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """`table` with what `other` has, table by table."""
    both = {k: _merged(table[k], v) for k, v in other.items() if _tables(table.get(k), v)}
    return {**table, **other, **both}


def _tables(*values: Any) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _checked(path: Path, raw: dict[str, Any], within: str = "") -> Suite:
    """The suite that `raw` holds; `within` stands before the keys in messages."""
    try:
        suite = Suite.model_validate(raw)
        check_names(suite)
        suite = _with_methods(suite, suite.methods)
        check_rows(suite)
        check_claims(suite, planned(groups(suite)))
    except pydantic.ValidationError as error:
        first = _most_telling(error)
        key = ".".join(str(part) for part in first["loc"] if not _is_branch(part))
        whole = first["type"] == "missing" or isinstance(first["input"], dict)
        given = "" if whole else f" (given: {first['input']!r})"
        if first["type"] == "extra_forbidden":
            given = f"; known: {choices(_keys_at(first['loc'][:-1]))}"
        raise BadInput(f"{path}: {within}{key}: {first['msg']}{given}") from None
    except BadInput as error:
        raise BadInput(f"{path}: {within}{error}") from None
    return suite


def _most_telling(error: pydantic.ValidationError) -> Any:
    """The first error, but the deepest of those that the branches of a union have."""
    first, *others = error.errors()
    where = [part for part in first["loc"] if not _is_branch(part)]
    same = [e for e in others if [*e["loc"]][: len(where)] == where]
    return max([first, *same], key=lambda e: sum(not _is_branch(part) for part in e["loc"]))


def _is_branch(part: int | str) -> bool:
    """Whether a part of a location is what pydantic calls a branch of a union, not a key."""
    return str(part).startswith(("constrained-", "list[", "function-"))


def _keys_at(where: tuple[int | str, ...]) -> list[str]:
    """The keys that a suite file may hold at `where`."""
    tables: dict[str | int, Any] = {
        "outcome": OutcomeTable,
        "keep": KeepTable,
        "tasks": TaskTable,
        "methods": MethodTable,
        "published": PublishedTable,
        "claims": ClaimTable,
        "box": BoxTable,
        "rows": RowTable,
    }
    inner = [tables[part] for part in where if part in tables]
    return list((inner[-1] if inner else Suite).model_fields)


def _with_methods(suite: Suite, entries: list[MethodTable]) -> Suite:
    """The suite with these entries under their canonical names.

    Raises:
        BadInput: one method under two names or twice.
    """
    named = [e.model_copy(update={"name": canonical_name(e.name)}) for e in entries]
    names = [entry.name for entry in named]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"methods: {name!r} appears twice; give its values as lists")
    return suite.model_copy(update={"methods": named})


def with_overrides(
    suite: Suite,
    seeds: int | None = None,
    seed: int | None = None,
    steps: int | None = None,
    methods: list[str] | None = None,
    tasks: list[str] | None = None,
) -> Suite:
    """The suite with the command line's changes.

    Raises:
        BadInput: an unknown task, an impossible stack, or a number out of range.
    """
    for name, value, least in (("--seeds", seeds, 1), ("--seed", seed, 0), ("--steps", steps, 1)):
        if value is not None and value < least:
            raise BadInput(f"{name}: {value} must be at least {least}")
        if value is not None and value >= LIMIT:
            raise BadInput(f"{name}: {value} must be below {LIMIT}")
    for name in tasks or ():
        if name not in suite.tasks:
            raise BadInput(f"--tasks: {name!r} is none of the suite's: {choices(suite.tasks)}")
    changed = {k: v for k, v in (("seeds", seeds), ("steps", steps)) if v is not None}
    tables = {
        name: table.model_copy(update=changed)
        for name, table in suite.tasks.items()
        if tasks is None or name in tasks
    }
    methods = None if methods is None else [canonical_name(name) for name in methods]
    listed = {entry.name: entry for entry in suite.methods}
    entries = (
        [listed.get(name) or MethodTable(name=name, source="the command line") for name in methods]
        if methods is not None
        else suite.methods
    )
    for entry in entries if methods is not None else ():
        if entry.tasks is not None and not tables.keys() & set(entry.tasks):
            raise BadInput(
                f"--methods: the suite has {entry.name!r} for {choices(entry.tasks)} alone, which "
                "--tasks leaves out"
            )
    made = suite.model_copy(update={"tasks": tables} | ({} if seed is None else {"seed": seed}))
    made = _with_methods(made, entries)
    check_names(made)
    list(groups(made))
    return made
