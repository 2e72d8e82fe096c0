"""The suite file's schema."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from ganbench.axes import (
    LIMIT,
    Bound,
    BoxTable,
    Dropped,
    Finite,
    Moment,
    Positive,
    Rate,
    Table,
)
from ganbench.diagnostics.outcome import Rules


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


class TaskTable(Table):
    """`[tasks.NAME]`: what the task gives every method, and how many seeds."""

    seeds: Positive
    """Runs of every row: replicates of the base seed. In a box, runs of every point."""
    steps: Positive
    """Passes of a method's schedule; a multiple of `evaluations`."""
    evaluations: Annotated[int, Field(ge=1, le=200)]
    """How often a run is scored while it trains: evenly spaced, at last after the last step."""
    batch: Annotated[int, Field(ge=2, lt=LIMIT)]
    """Samples in a batch."""
    latent: Positive
    """Length of the generator's normal latents."""
    learning_rate: Rate | Annotated[list[Rate], Field(min_length=1)]
    """The rate of all players; a list makes a row of each, but not beside a box."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """The optimizer of all players, but where a paper prescribes its own."""
    b1: Moment | None = None
    """Decay of Adam's first moment; goes with Adam, and must then be there."""
    b2: Moment | None = None
    """Decay of Adam's second moment; goes with Adam, and must then be there."""
    nets: str
    """A family of nets, `ganbench list nets`."""
    width: Positive
    """Width of the nets."""
    depth: Positive
    """Depth of the nets; `docs/nets.md` says what it counts in each family."""
    curve_samples: Positive = 2500
    """Samples of an evaluation; five or more of the rarest mode must be expected in them."""
    sample_batch: Annotated[int, Field(ge=2, lt=LIMIT)] | None = None
    """Samples drawn at once to be scored, at most `curve_samples`; `batch` if left out."""
    normalized: bool | None = None
    """Batch normalization or none; as is usual in the family if left out."""
    dropout: Dropped | None = None
    """Share of units that discriminators drop; none if left out."""
    d_width: Positive | None = None
    """Width of all nets but the generator; `width` if left out."""
    d_depth: Positive | None = None
    """Depth of all nets but the generator; `depth` if left out."""
    d_normalized: bool | None = None
    """Batch normalization of all nets but the generator; `normalized` if left out."""
    d_learning_rate: Rate | None = None
    """The discriminator's rate; `learning_rate` if left out."""
    d_optimizer: Literal["adam", "sgd"] | None = None
    """The discriminator's optimizer; `optimizer` if left out."""
    d_steps: Positive | None = None
    """Moves of the discriminator in a pass of the schedule; 1 if left out."""
    g_steps: Positive | None = None
    """Moves of the generator in a pass of the schedule; 1 if left out."""
    block: Positive = 8
    """Lanes of one compiled program."""
    box: BoxTable | None = None
    """Hyperparameters to draw from, see below; in place of this table's."""

    @pydantic.model_validator(mode="after")
    def _moments(self) -> "TaskTable":
        tried = (self.box.optimizer or []) + (self.box.d_optimizer or []) if self.box else []
        adam = "adam" in (self.optimizer, self.d_optimizer, *tried)
        if adam != (self.b1 is not None and self.b2 is not None):
            raise ValueError("b1 and b2 go with optimizer adam, both of them")
        return self


class MethodTable(Table):
    """`[[methods]]`: a stack, its hyperparameters (a list makes one row a value), its source."""

    name: str
    """A stack of registered names, `base+modifier+...`; once in a suite."""
    source: str
    """Where the method and its setting come from."""
    hyperparameters: dict[str, Any] = {}
    """`NAME.PARAMETER = value`; a list makes a row of each value, what is left out is default."""
    tasks: Annotated[list[str], Field(min_length=1)] | None = None
    """Those of the suite's tasks that it is trained on; all if left out."""


class RowTable(Table):
    """Rows of a leaderboard: a method, and those of its hyperparameters that tell them apart."""

    method: str
    """One of the suite's `methods`."""
    hyperparameters: Annotated[dict[str, Any], pydantic.BeforeValidator(flat)] = {}
    """As many as tell the row from others of the method: its own, or an axis of a box."""


class PublishedTable(RowTable):
    """`[[published]]`: a figure of a paper, beside which the suite's own is put.

    Only what was read in a paper, its code or its authors' tables is `verified`; what is recalled
    is not, and is shown as that.
    """

    task: str
    """One of the suite's tasks."""
    metric: str
    """`success`, a score that is on every leaderboard, or one of the suite's `scores`."""
    value: Finite
    """The figure."""
    spread: Finite | None = None
    """What the paper puts after its plus or minus."""
    spread_is: str = ""
    """What the spread is, and of how many runs."""
    source: str
    """Paper and table."""
    verified: bool
    """Whether it was read in the paper, its code or its authors' tables."""


class ClaimTable(Table):
    """`[[claims]]`: that `metric` rises over `rows`, or that a share of successes keeps a bound."""

    says: Annotated[str, Field(pattern=r"^[^|\n\r]+$")]
    """The claim in words: a heading, and a cell of a table."""
    source: str
    """Who claims it, and where."""
    verified: bool
    """Whether it was read there."""
    task: str
    """One of the suite's tasks."""
    metric: str = "success"
    """As of a published figure; one that is better high or better low."""
    rows: Annotated[list[RowTable], Field(min_length=1)]
    """Rows in rising order of the metric, the lowest first; or one row, which a bound goes with."""
    at_most: Bound | None = None
    """Of one row's share of successes: no more than this."""
    at_least: Bound | None = None
    """Of one row's share of successes: no less than this."""

    @pydantic.model_validator(mode="after")
    def _one_kind(self) -> "ClaimTable":
        bounds = [x for x in (self.at_most, self.at_least) if x is not None]
        if len(bounds) != (1 if len(self.rows) == 1 else 0):
            raise ValueError("one row goes with one of at_most and at_least, several with neither")
        if bounds and self.metric != "success":
            raise ValueError("at_most and at_least go with the metric success")
        return self


class KeepTable(Table):
    """`[keep]`: which bulky files a run writes."""

    samples: bool = True
    """Samples at every evaluation, which pictures and the report are drawn from."""
    states: bool = True
    """What the nets were at the end, which `ganbench gam2` plays with."""


_Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_THRESHOLDS = {
    "divergence_rms": "`diverged`: samples' root mean square above so many times the data's.",
    "learned_coverage": "`unlearned`: less than this coverage at every evaluation.",
    "learned_quality": "`unlearned`: at the end less than this share of real data's high quality.",
    "saturated_gradient": "`saturated`: the generator's gradient norm, median of the last tenth of "
    "steps, at most this share of that of the first hundredth.",
    "saturated_coverage": "`saturated`: at the end less than this coverage.",
    "collapsed_coverage": "`collapsed`: at the end less than this coverage.",
    "oscillation_jaccard": "`oscillating`: mean Jaccard distance of neighbouring evaluations' "
    "covered modes in the last third, above that of independent draws of real data.",
    "success_coverage": "Success: `ok`, and at the end at least this coverage.",
    "success_quality": "Success: at the end at least this share of real data's high quality.",
}
_FIELDS: dict[str, Any] = {
    name: (Annotated[_Share, Field(description=_THRESHOLDS[name])], ...) for name in Rules._fields
}
#: `[outcome]`: every threshold of `Rules`, none left to a default.
OutcomeTable: Any = pydantic.create_model(
    "OutcomeTable",
    __base__=Table,
    __doc__="`[outcome]`: thresholds of the rules that say how a run ended (`docs/statuses.md`); "
    "coverage and quality are shares of what real data reach.",
    **_FIELDS,
)


class Suite(Table):
    """A suite file, checked."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """What the results folder is called."""
    summary: str
    """One line, for lists."""
    about: str = ""
    """How far a suite that reproduces a paper is from it: stands on its page."""
    seed: Annotated[int, Field(ge=0, lt=LIMIT)] = 0
    """The base seed."""
    outcome: OutcomeTable
    """Thresholds of the rules that say how a run ended."""
    keep: KeepTable = KeepTable()
    """Which bulky files a run writes."""
    scores: list[str] = []
    """What is scored at the end beside what always is: names of `docs/scores.md`."""
    diagnostics: dict[str, Positive] = {}
    """By name of `docs/diagnostics.md`: how many times in a training, at most `evaluations`."""
    tasks: Annotated[dict[str, TaskTable], Field(min_length=1)]
    """By name, `ganbench list tasks`: what the task gives every method."""
    methods: Annotated[list[MethodTable], Field(min_length=1)]
    """What is trained on the tasks."""
    published: list[PublishedTable] = []
    """A paper's figures, for `ganbench reproduce`."""
    claims: list[ClaimTable] = []
    """A paper's claims, for `ganbench reproduce`."""

    def rules(self) -> Rules:
        """The outcome thresholds."""
        return Rules(**self.outcome.model_dump())
