"""The suite file's schema."""

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from ganbench.diagnostics.outcome import Rules

LIMIT = 2**31  # of every whole number: a seed beyond 32 bits would be another under its own name
Positive = Annotated[int, Field(ge=1, lt=LIMIT)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


Moment = Annotated[float, Field(ge=0, lt=1)]


class _Table(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


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
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    d_width: Positive | None = None
    d_depth: Positive | None = None
    d_normalized: bool | None = None
    d_learning_rate: Rate | None = None
    d_steps: Positive | None = None
    block: Positive = 8

    @pydantic.model_validator(mode="after")
    def _moments(self) -> "TaskTable":
        if (self.optimizer == "adam") != (self.b1 is not None and self.b2 is not None):
            raise ValueError("b1 and b2 go with optimizer adam, both of them")
        return self


class MethodTable(_Table):
    """`[[methods]]`: a stack, its hyperparameters (a list makes one row a value), its source."""

    name: str
    source: str
    hyperparameters: dict[str, Any] = {}
    tasks: Annotated[list[str], Field(min_length=1)] | None = None


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
    seed: Annotated[int, Field(ge=0, lt=LIMIT)] = 0
    outcome: OutcomeTable
    keep: KeepTable = KeepTable()
    scores: list[str] = []  # what is scored at the end beside what always is
    diagnostics: dict[str, Positive] = {}  # by name: how many times during a training
    tasks: Annotated[dict[str, TaskTable], Field(min_length=1)]
    methods: Annotated[list[MethodTable], Field(min_length=1)]

    def rules(self) -> Rules:
        """The outcome thresholds."""
        return Rules(**self.outcome.model_dump())
