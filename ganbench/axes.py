"""What values in a suite file may be, and the box that hyperparameters are drawn from."""

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

MOST_POINTS = 100_000  # of a box
LIMIT = 2**31  # of every whole number: a seed beyond 32 bits would be another under its own name
Positive = Annotated[int, Field(ge=1, lt=LIMIT)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Moment = Annotated[float, Field(ge=0, lt=1)]
Dropped = Annotated[float, Field(ge=0, lt=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Bound = Annotated[float, Field(gt=0, lt=1)]  # of a rate: 0 and 1 are bounds that every rate keeps


class Table(pydantic.BaseModel):
    """What stands under a key is its description in `docs/suite-format.md`."""

    model_config = pydantic.ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


class Range(Table):
    """`{ low = 1e-4, high = 1e-2 }`: numbers between two, their logarithms uniform if `log`."""

    low: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Least number, below `high`; above 0 with `log`."""
    high: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Largest number; of `dropout` below 1."""
    log: bool = True
    """Whether logarithms are uniform; else the numbers themselves."""

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


class DroppedRange(Range):
    """A range of shares: all dropped is nothing left to differentiate."""

    high: Annotated[float, Field(gt=0, lt=1)]


class BoxTable(Table):
    """`[tasks.NAME.box]`: hyperparameters that every method is tried at, in place of the table's.

    A list is a choice of its values, each there once; learning rates and dropout may be ranges.
    `shapes` bounds how many combinations of the others there are, each of which is compiled.
    """

    points: Annotated[int, Field(ge=1, le=MOST_POINTS)]
    """How many are drawn, the same for every method, each with the task's `seeds`."""
    shapes: Positive | None = None
    """At most so many combinations of axes that need a compilation each; any number if left out."""
    nets: _list_of(str) | None = None  # type: ignore[valid-type]
    """Families of nets."""
    width: _list_of(Positive) | None = None  # type: ignore[valid-type]
    """Widths of the nets."""
    depth: _list_of(Positive) | None = None  # type: ignore[valid-type]
    """Depths of the nets."""
    normalized: _list_of(bool) | None = None  # type: ignore[valid-type]
    """Batch normalization or none."""
    d_width: _list_of(Positive) | None = None  # type: ignore[valid-type]
    """Widths of all nets but the generator."""
    d_depth: _list_of(Positive) | None = None  # type: ignore[valid-type]
    """Depths of all nets but the generator."""
    d_normalized: _list_of(bool) | None = None  # type: ignore[valid-type]
    """Batch normalization of all nets but the generator, or none."""
    d_steps: _list_of(Positive) | None = None  # type: ignore[valid-type]
    """Moves of the discriminator in a pass of the schedule."""
    optimizer: _list_of(Literal["adam", "sgd"]) | None = None  # type: ignore[valid-type]
    """Optimizers of all players."""
    d_optimizer: _list_of(Literal["adam", "sgd"]) | None = None  # type: ignore[valid-type]
    """Optimizers of the discriminator."""
    learning_rate: Range | _list_of(Rate) | None = None  # type: ignore[valid-type]
    """Learning rates of all players."""
    d_learning_rate: Range | _list_of(Rate) | None = None  # type: ignore[valid-type]
    """Learning rates of the discriminator."""
    dropout: DroppedRange | _list_of(Dropped) | None = None  # type: ignore[valid-type]
    """Shares of units that discriminators drop."""
