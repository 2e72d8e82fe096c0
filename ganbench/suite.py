"""The suite file: its schema, its hashes, and its expansion into groups of lanes."""

import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pydantic
from pydantic import Field

from ganbench.diagnostics.outcome import Rules
from ganbench.errors import BadInput, choices
from ganbench.metrics.catalogue import METRIC_VERSION, METRICS
from ganbench.program import Budget, Lane
from ganbench.registry import METHODS, kinds, names_of, resolve, traced_names
from ganbench.tasks.base import Task
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import Sizes, zoo

SCHEMA = 1  # of every file in a results folder
SUITES = Path(__file__).resolve().parent.parent / "suites"

Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Table(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


class TaskTable(_Table):
    """`[tasks.NAME]`: what the task gives every method, and how many seeds."""

    seeds: Positive
    steps: Positive
    evaluations: Annotated[int, Field(ge=1, le=200)]
    batch: Annotated[int, Field(ge=2)]
    latent: Positive
    learning_rate: Rate | Annotated[list[Rate], Field(min_length=1)]
    b1: Annotated[float, Field(ge=0, lt=1)]
    b2: Annotated[float, Field(ge=0, lt=1)]
    nets: str
    width: Positive
    depth: Positive
    curve_samples: Positive = 2500
    block: Positive = 8


class MethodTable(_Table):
    """`[[methods]]`: a stack, its hyperparameters (a list makes one row a value), its source."""

    name: str
    source: str
    hyperparameters: dict[str, Any] = {}
    tasks: list[str] | None = None


class KeepTable(_Table):
    """`[keep]`: which bulky files a run writes."""

    samples: bool = True
    states: bool = True


_Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
OutcomeTable: Any = pydantic.create_model(
    "OutcomeTable", __base__=_Table, **{name: (_Share, ...) for name in Rules._fields}
)


class Suite(_Table):
    """A suite file, checked."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    summary: str
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    outcome: OutcomeTable
    keep: KeepTable = KeepTable()
    tasks: Annotated[dict[str, TaskTable], Field(min_length=1)]
    methods: Annotated[list[MethodTable], Field(min_length=1)]

    def rules(self) -> Rules:
        """The outcome thresholds."""
        return Rules(**self.outcome.model_dump())


class Row(NamedTuple):
    """One leaderboard row: a method with one setting of its hyperparameters on one task."""

    task: str
    method: str
    hyperparameters: dict[str, Any]  # all of them, by full name


class Cell(NamedTuple):
    """One run to train: a row's replicate."""

    row: Row
    seed: int
    replicate: int


class Group(NamedTuple):
    """The cells that share everything static: one compilation."""

    task: str
    method: str
    static: dict[str, Any]
    cells: tuple[Cell, ...]
    lanes: tuple[Lane, ...]


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=list)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def find(suite: str) -> Path:
    """The file of a suite given by name or by path.

    Raises:
        BadInput: neither a file nor one of the suites there are.
    """
    for path in (Path(suite), SUITES / f"{suite}.toml"):
        if path.is_file():
            return path
    raise BadInput(f"no suite {suite!r}: neither a file nor one of {choices(suite_names())}")


def suite_names() -> list[str]:
    """The suites that come with the project."""
    return sorted(path.stem for path in SUITES.glob("*.toml"))


def read(path: Path) -> Suite:
    """The checked suite in the file at `path`.

    Raises:
        BadInput: not readable, not TOML, or a key that is unknown, missing, of the wrong type or out
            of range; the message names file, key and what is allowed.
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
        list(groups(suite))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        given = "" if first["type"] == "missing" else f" (given: {first['input']!r})"
        raise BadInput(f"{path}: {key}: {first['msg']}{given}") from None
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return suite


def _check_names(suite: Suite) -> None:
    for name, table in suite.tasks.items():
        if name not in TASKS:
            raise BadInput(f"tasks.{name}: unknown task; known: {choices(TASKS)}")
        if table.steps % table.evaluations:
            raise BadInput(
                f"tasks.{name}.steps: {table.steps} must be a multiple of evaluations "
                f"({table.evaluations})"
            )
        zoo(table.nets, Sizes(TASKS[name]().shape, table.latent, table.width, table.depth))
    for entry in suite.methods:
        for name in entry.tasks or ():
            if name not in suite.tasks:
                raise BadInput(
                    f"methods.{entry.name}.tasks: {name!r} is none of the suite's tasks: "
                    f"{choices(suite.tasks)}"
                )


def budget_of(table: TaskTable, task: Task) -> Budget:
    """The harness's budget; final scores use max(2500, 26 K) samples."""
    own = {name: getattr(table, name) for name in Budget._fields if name != "final_samples"}
    return Budget(**own, final_samples=max(2500, 26 * task.modes))


def protocol(suite: Suite, name: str) -> dict[str, Any]:
    """All that makes two results on a task comparable; its `digest` is the protocol hash."""
    task = TASKS[name]()
    return {
        "schema": SCHEMA,
        "task": name,
        "data": task.data_hash,
        "judge": task.judge.hash,
        "metrics": {"version": METRIC_VERSION, "names": list(METRICS)},
        "outcome": suite.rules()._asdict(),
        "budget": budget_of(suite.tasks[name], task)._asdict(),
    }


def cell_hash(protocol_hash: str, cell: Cell) -> str:
    """What resume and incremental runs go by."""
    row = cell.row
    parts = [protocol_hash, row.method, row.hyperparameters, cell.seed, cell.replicate]
    return digest(parts)


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in table.items():
        nested = isinstance(value, Mapping)
        made |= _flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return made


def _settings(method: str, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every combination of the listed values, completed with defaults and checked."""
    columns = [value if isinstance(value, list) else [value] for value in given.values()]
    for values in itertools.product(*columns):
        yield resolve(method, dict(zip(given, values, strict=True)))


def groups(suite: Suite) -> Iterator[Group]:
    """The suite's groups: tasks as written, the reference rows of each, then its methods.

    Raises:
        BadInput: an unknown method or hyperparameter, or an impossible stack.
    """
    for task, table in suite.tasks.items():
        listed = table.learning_rate
        rates = listed if isinstance(listed, list) else [listed]
        for name in kinds("reference"):
            cells = [Cell(Row(task, name, {}), suite.seed, i) for i in range(table.seeds)]
            lanes = [Lane(c.seed, c.replicate, {"learning_rate": rates[0]}) for c in cells]
            yield Group(task, name, {}, tuple(cells), tuple(lanes))
        for entry in suite.methods:
            if METHODS[names_of(entry.name)[0]].kind == "reference":
                raise BadInput(f"methods: {entry.name!r} heads every task already; leave it out")
            if entry.tasks is None or task in entry.tasks:
                yield from _method_groups(suite, task, entry, rates)


def _method_groups(
    suite: Suite, task: str, entry: MethodTable, rates: list[float]
) -> Iterator[Group]:
    traced = traced_names(entry.name) | {"learning_rate"}
    columns: dict[str, list[dict[str, Any]]] = {}
    for own, rate in itertools.product(_settings(entry.name, _flat(entry.hyperparameters)), rates):
        values = {**own, "learning_rate": rate}
        static = {k: v for k, v in values.items() if k not in traced}
        columns.setdefault(canonical(static), []).append(values)
    for rows in columns.values():
        cells, lanes = [], []
        for values in rows:
            for i in range(suite.tasks[task].seeds):
                cells.append(Cell(Row(task, entry.name, values), suite.seed, i))
                lane_values = {k: v for k, v in values.items() if k in traced}
                lanes.append(Lane(suite.seed, i, lane_values))
        static = {k: v for k, v in rows[0].items() if k not in traced}
        yield Group(task, entry.name, static, tuple(cells), tuple(lanes))


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
    for name in tasks or ():
        if name not in suite.tasks:
            raise BadInput(f"--tasks: {name!r} is none of the suite's: {choices(suite.tasks)}")
    changed = {k: v for k, v in (("seeds", seeds), ("steps", steps)) if v is not None}
    tables = {
        name: table.model_copy(update=changed)
        for name, table in suite.tasks.items()
        if tasks is None or name in tasks
    }
    listed = {entry.name: entry for entry in suite.methods}
    entries = (
        [listed.get(name) or MethodTable(name=name, source="the command line") for name in methods]
        if methods is not None
        else suite.methods
    )
    update: dict[str, Any] = {"tasks": tables, "methods": entries}
    made = suite.model_copy(update=update | ({} if seed is None else {"seed": seed}))
    _check_names(made)
    list(groups(made))
    return made
