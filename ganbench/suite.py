"""Suite files: found, read, checked, and changed by the command line."""

import math
import tomllib
from pathlib import Path
from typing import Any

import pydantic

from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.errors import BadInput, choices
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.plan import groups
from ganbench.program import nets_of
from ganbench.registry import canonical_name
from ganbench.schema import LIMIT, KeepTable, MethodTable, OutcomeTable, Suite, TaskTable
from ganbench.tasks.catalogue import TASKS, facts

MODE_SAMPLES = 5  # a mode counts with three samples: at least five must be expected of each
SUITES = Path(__file__).resolve().parent.parent / "suites"


def find(suite: str) -> Path:
    """The file of a suite given by name or by path.

    Raises:
        BadInput: neither a file nor one of the suites there are.
    """
    for path in (Path(suite), SUITES / f"{suite}.toml"):
        if path.is_file():
            return path
    known = f"one of {choices(suite_names())}" if suite_names() else f"in {SUITES}, which has none"
    raise BadInput(f"no suite {suite!r}: neither a file nor {known}")


def suite_names() -> list[str]:
    """The suites that come with the project."""
    return sorted(path.stem for path in SUITES.glob("*.toml"))


def read(path: Path) -> Suite:
    """The checked suite in the file at `path`.

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
    try:
        suite = Suite.model_validate(raw)
        _check_names(suite)
        suite = _with_methods(suite, suite.methods)
        _check_tasks(suite)
        list(groups(suite))
    except pydantic.ValidationError as error:
        first = _most_telling(error)
        key = ".".join(str(part) for part in first["loc"] if not _is_branch(part))
        whole = first["type"] == "missing" or isinstance(first["input"], dict)
        given = "" if whole else f" (given: {first['input']!r})"
        if first["type"] == "extra_forbidden":
            given = f"; known: {choices(_keys_at(first['loc'][:-1]))}"
        raise BadInput(f"{path}: {key}: {first['msg']}{given}") from None
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return suite


def _most_telling(error: pydantic.ValidationError) -> Any:
    """The first error, but the deepest of those that the branches of a union have."""
    first, *others = error.errors()
    where = [part for part in first["loc"] if not _is_branch(part)]
    same = [e for e in others if [*e["loc"]][: len(where)] == where]
    return max([first, *same], key=lambda e: sum(not _is_branch(part) for part in e["loc"]))


def _is_branch(part: int | str) -> bool:
    """Whether a part of a location is what pydantic calls a branch of a union, not a key."""
    return str(part).startswith(("constrained-", "list["))


def _keys_at(where: tuple[int | str, ...]) -> list[str]:
    """The keys that a suite file may hold at `where`."""
    tables: dict[str | int, Any] = {
        "outcome": OutcomeTable,
        "keep": KeepTable,
        "tasks": TaskTable,
        "methods": MethodTable,
    }
    return list((tables[where[0]] if where else Suite).model_fields)


def _check_names(suite: Suite) -> None:
    for name in suite.scores:
        if name in METRICS:
            raise BadInput(f"scores: {name!r} is in every suite already; leave it out")
        if name not in OPTIONAL:
            raise BadInput(f"scores: unknown score {name!r}; known: {choices(OPTIONAL)}")
        if suite.scores.count(name) > 1:
            raise BadInput(f"scores: {name!r} appears twice")
    for name, times in suite.diagnostics.items():
        if name not in DIAGNOSTICS:
            known = choices(DIAGNOSTICS)
            raise BadInput(f"diagnostics: unknown diagnostic {name!r}; known: {known}")
        least = min(suite.tasks, key=lambda task: suite.tasks[task].evaluations)
        if times > (most := suite.tasks[least].evaluations):
            raise BadInput(
                f"diagnostics.{name}: {times} must be at most the evaluations of every task "
                f"({least}: {most})"
            )
    for name, table in suite.tasks.items():
        _check_table(name, table)


def _check_table(name: str, table: TaskTable) -> None:
    """Raises BadInput naming the first key of `[tasks.NAME]` that does not go with the task."""
    if name not in TASKS:
        raise BadInput(f"tasks.{name}: unknown task; known: {choices(TASKS)}")
    if table.steps % table.evaluations:
        raise BadInput(
            f"tasks.{name}.steps: {table.steps} must be a multiple of evaluations "
            f"({table.evaluations})"
        )
    known = facts(name)
    try:
        nets_of(known.shape, table, table.dropout)
    except BadInput as error:
        raise BadInput(f"tasks.{name}: {error}") from None
    least = math.ceil(MODE_SAMPLES / known.rarest)
    if table.curve_samples < least:
        raise BadInput(
            f"tasks.{name}.curve_samples: {table.curve_samples} must be at least {least}, "
            f"{MODE_SAMPLES} for the rarest mode: fewer cannot tell half the modes from all"
        )
    if (table.sample_batch or 0) > table.curve_samples:
        raise BadInput(
            f"tasks.{name}.sample_batch: {table.sample_batch} must be at most curve_samples, "
            f"{table.curve_samples}"
        )


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


def _check_tasks(suite: Suite) -> None:
    for entry in suite.methods:
        for name in entry.tasks or ():
            if name not in suite.tasks:
                raise BadInput(
                    f"methods.{entry.name}.tasks: {name!r} is none of the suite's tasks: "
                    f"{choices(suite.tasks)}"
                )


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
    _check_names(made)
    list(groups(made))
    return made
