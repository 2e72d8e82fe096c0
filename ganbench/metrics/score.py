"""What a score is: a value with its sample sizes, or none with the reason."""

import math
from collections.abc import Callable
from typing import NamedTuple

NULL = float("nan")


class Undefined(ValueError):
    """A score has no value for what it was given; the message is the reason, in few words."""


class Score(NamedTuple):
    """A score of one sample.

    `value` is nan (null in tables) where the score is undefined, and `note` then says why; else
    `note` says what the value hangs on, such as a threshold, if anything. inf is a value.
    """

    value: float
    n: int  # generated samples
    n_reference: int = 0  # samples it was held against; 0 where the truth is known exactly
    note: str = ""


def stated(score: Callable[[], Score], n: int) -> Score:
    """What `score()` returns; null with the reason where it raises `Undefined` or gives nan.

    A score that breaks is null too, with what broke it: a sweep is not to end for one number.

    Args:
        n: how many samples there were, for a score that did not come to count them.
    """
    try:
        made = score()
    except Undefined as reason:
        return Score(NULL, n, note=str(reason))
    except Exception as error:
        return Score(NULL, n, note=f"{type(error).__name__}: {error}".splitlines()[0][:200])
    if math.isnan(made.value):
        return made._replace(note=made.note or "not a number: samples or sums overflow")
    return made
