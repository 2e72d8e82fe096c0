"""The suite file's schema."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from ganbench.diagnostics.outcome import Rules

MOST_POINTS = 100_000  # of a box
LIMIT = 2**31  # of every whole number: a seed beyond 32 bits would be another under its own name
Positive = Annotated[int, Field(ge=1, lt=LIMIT)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


Moment = Annotated[float, Field(ge=0, lt=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Bound = Annotated[float, Field(gt=0, lt=1)]  # of a rate: 0 and 1 are bounds that every rate keeps


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as one, their keys joined by dots.

    Raises:
        ValueError: it is no table.
    """
    if not isinstance(table, Mapping):
        raise ValueError(f"must be a table, not {table!r}")
    made: dict[str, Any] = {}
    for key, value in table.items():
        nested = isinstance(value, Mapping)
        made |= flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return made


class _Table(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


class Range(_Table):
    """`{ low = 1e-4, high = 1e-2 }`: numbers between two, their logarithms uniform if `log`."""

    low: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    high: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    log: bool = True

    @pydantic.model_validator(mode="after")
    def _ordered(self) -> "Range":
        if not self.low < self.high or (self.log and not self.low > 0):
            raise ValueError("low must be below high, and above 0 for logarithms")
        return self


def _distinct(values: list[Any]) -> list[Any]:
    twice = [x for x in values if values.count(x) > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is there twice")
    return values


def _list_of(kind: Any) -> Any:
    return Annotated[list[kind], Field(min_length=1), pydantic.AfterValidator(_distinct)]


Dropped = Annotated[float, Field(ge=0, lt=1)]


class DroppedRange(Range):
    """A range of shares: all dropped is nothing left to differentiate."""

    high: Annotated[float, Field(gt=0, lt=1)]


class BoxTable(_Table):
    """`[tasks.NAME.box]`: hyperparameters that every method is tried at, in place of the table's.

    A list is a choice of its values; learning rates and dropout may be ranges. `shapes` bounds how
    many combinations of the others there are, each of which is compiled.
    """

    points: Annotated[int, Field(ge=1, le=MOST_POINTS)]
    shapes: Positive | None = None
    nets: _list_of(str) | None = None  # type: ignore[valid-type]
    width: _list_of(Positive) | None = None  # type: ignore[valid-type]
    depth: _list_of(Positive) | None = None  # type: ignore[valid-type]
    normalized: _list_of(bool) | None = None  # type: ignore[valid-type]
    d_width: _list_of(Positive) | None = None  # type: ignore[valid-type]
    d_depth: _list_of(Positive) | None = None  # type: ignore[valid-type]
    d_normalized: _list_of(bool) | None = None  # type: ignore[valid-type]
    d_steps: _list_of(Positive) | None = None  # type: ignore[valid-type]
    optimizer: _list_of(Literal["adam", "sgd"]) | None = None  # type: ignore[valid-type]
    d_optimizer: _list_of(Literal["adam", "sgd"]) | None = None  # type: ignore[valid-type]
    learning_rate: Range | _list_of(Rate) | None = None  # type: ignore[valid-type]
    d_learning_rate: Range | _list_of(Rate) | None = None  # type: ignore[valid-type]
    dropout: DroppedRange | _list_of(Dropped) | None = None  # type: ignore[valid-type]


class TaskTable(_Table):
    """`[tasks.NAME]`: what the task gives every method, and how many seeds."""

    seeds: Positive
    steps: Positive
    evaluations: Annotated[int, Field(ge=1, le=200)]
    batch: Annotated[int, Field(ge=2, lt=LIMIT)]
    latent: Positive
    learning_rate: Rate | Annotated[list[Rate], Field(min_length=1)]
    optimizer: Literal["adam", "sgd"] = "adam"
    b1: Moment | None = None
    b2: Moment | None = None
    nets: str
    width: Positive
    depth: Positive
    curve_samples: Positive = 2500
    sample_batch: Annotated[int, Field(ge=2, lt=LIMIT)] | None = None
    normalized: bool | None = None
    dropout: Dropped | None = None
    d_width: Positive | None = None
    d_depth: Positive | None = None
    d_normalized: bool | None = None
    d_learning_rate: Rate | None = None
    d_optimizer: Literal["adam", "sgd"] | None = None
    d_steps: Positive | None = None
    g_steps: Positive | None = None
    block: Positive = 8
    box: BoxTable | None = None

    @pydantic.model_validator(mode="after")
    def _moments(self) -> "TaskTable":
        tried = (self.box.optimizer or []) + (self.box.d_optimizer or []) if self.box else []
        adam = "adam" in (self.optimizer, self.d_optimizer, *tried)
        if adam != (self.b1 is not None and self.b2 is not None):
            raise ValueError("b1 and b2 go with optimizer adam, both of them")
        return self


class MethodTable(_Table):
    """`[[methods]]`: a stack, its hyperparameters (a list makes one row a value), its source."""

    name: str
    source: str
    hyperparameters: dict[str, Any] = {}
    tasks: Annotated[list[str], Field(min_length=1)] | None = None


class RowTable(_Table):
    """Rows of a leaderboard: a method, and those of its hyperparameters that tell them apart."""

    method: str
    hyperparameters: Annotated[dict[str, Any], pydantic.BeforeValidator(flat)] = {}


class PublishedTable(RowTable):
    """`[[published]]`: a figure of a paper, beside which the suite's own is put.

    Only what was read in a paper, its code or its authors' tables is `verified`; what is recalled
    is not, and is shown as that.
    """

    task: str
    metric: str
    value: Finite
    spread: Finite | None = None
    spread_is: str = ""  # what the spread is, and of how many runs
    source: str
    verified: bool


class ClaimTable(_Table):
    """`[[claims]]`: that `metric` rises over `rows`, or that a share of successes keeps a bound."""

    says: Annotated[str, Field(pattern=r"^[^|\n\r]+$")]  # a heading, and a cell of a table
    source: str
    verified: bool
    task: str
    metric: str = "success"
    rows: Annotated[list[RowTable], Field(min_length=1)]  # the lowest first
    at_most: Bound | None = None
    at_least: Bound | None = None

    @pydantic.model_validator(mode="after")
    def _one_kind(self) -> "ClaimTable":
        bounds = [x for x in (self.at_most, self.at_least) if x is not None]
        if len(bounds) != (1 if len(self.rows) == 1 else 0):
            raise ValueError("one row goes with one of at_most and at_least, several with neither")
        if bounds and self.metric != "success":
            raise ValueError("at_most and at_least go with the metric success")
        return self


class KeepTable(_Table):
    """`[keep]`: which bulky files a run writes."""

    samples: bool = True
    states: bool = True


_Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_FIELDS: dict[str, Any] = {name: (_Share, ...) for name in Rules._fields}
#: `[outcome]`: every threshold of `Rules`, none left to a default.
OutcomeTable: Any = pydantic.create_model("OutcomeTable", __base__=_Table, **_FIELDS)


class Suite(_Table):
    """A suite file, checked."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    summary: str
    about: str = ""  # how far a suite that reproduces a paper is from it: stands on its page
    seed: Annotated[int, Field(ge=0, lt=LIMIT)] = 0
    outcome: OutcomeTable
    keep: KeepTable = KeepTable()
    scores: list[str] = []  # what is scored at the end beside what always is
    diagnostics: dict[str, Positive] = {}  # by name: how many times during a training
    tasks: Annotated[dict[str, TaskTable], Field(min_length=1)]
    methods: Annotated[list[MethodTable], Field(min_length=1)]
    published: list[PublishedTable] = []
    claims: list[ClaimTable] = []

    def rules(self) -> Rules:
        """The outcome thresholds."""
        return Rules(**self.outcome.model_dump())
