"""Which of two results may be held against each other, and what of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from ganbench.errors import BadInput
from ganbench.provenance import Difference, differences
from ganbench.sides import Side

MEASURE = ("task", "data", "judge", "judge_hash", "metrics.version", "samples")  # of every score
RULES = ("baseline", "outcome", "box")  # of a success, beside these
LONGEST = 24  # characters of a value in a message


class Terms(NamedTuple):
    """What of a task's rows may be compared, and at which keys its two protocols differ."""

    success: bool
    scores: bool
    differing: tuple[Difference, ...]


def terms(a: Side, b: Side, task: str) -> Terms:
    """What may be compared of a task that both have."""
    found = tuple(_differing(a, b, task))
    scores = not any(_of(one, MEASURE) for one in found)
    return Terms(scores and not any(_of(one, RULES) for one in found), scores, found)


def _of(one: Difference, keys: tuple[str, ...]) -> bool:
    return any(f"{one.key}.".startswith(f"{key}.") for key in keys)


def _differing(a: Side, b: Side, task: str) -> Iterator[Difference]:
    """What differs: keys of the protocols where both are known, and columns of the tables."""
    if task in a.protocols and task in b.protocols:
        yield from differences(a.protocols[task], b.protocols[task])
    for column in ("protocol_hash", "judge_hash", "samples"):
        x, y = (_value(side.board, task, column) for side in (a, b))
        if x != y:
            yield Difference(column, x, y)


def _value(board: pd.DataFrame, task: str, column: str) -> Any:
    """The largest value of a task's column, which runs that failed do not have."""
    if column not in board:
        return None
    found = board.loc[board["task"] == task, column].dropna()
    return found.max() if len(found) else None


def told(one: Difference) -> str:
    """`key (x, y)`, with either side's value."""
    x, y = (_short(value) for value in (one.a, one.b))
    return f"{one.key} ({x} in A, {y} in B)"


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def agreed(a: Side, b: Side, force: bool) -> dict[str, Terms]:
    """The terms of every task that both have.

    Raises:
        BadInput: no task in common; or, without `force`, one whose protocols, judges or sample
            sizes differ: the message names the first key.
    """
    common = [task for task in dict.fromkeys(a.board["task"]) if task in set(b.board["task"])]
    if not common:
        raise BadInput(f"{a.where} and {b.where}: no task in common")
    made = {task: terms(a, b, task) for task in common}
    for task, own in made.items():
        if own.differing and not force:
            first = told(own.differing[0])
            raise BadInput(
                f"A ({a.where}) and B ({b.where}) do not compare: task {task}: {first}; "
                "--force compares what can be"
            )
    return made
