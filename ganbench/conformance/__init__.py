"""What every method must do, looked at on small nets: `ganbench check`."""

from collections.abc import Iterator
from typing import NamedTuple

from ganbench.conformance.properties import PROPERTIES, Property, Unmet
from ganbench.conformance.trial import lanes_of, seen
from ganbench.registry import METHODS, names_of

FIRST = ("builds", "lanes")  # without these nothing else of a method can be looked at


class Verdict(NamedTuple):
    """Whether a property holds; None if it could not be looked at."""

    property: Property
    holds: bool | None
    reason: str = ""


def check(name: str) -> Iterator[Verdict]:
    """The verdict on every property that the registered `name` must have, one by one.

    Raises:
        BadInput: no such name, or one that is broken.
    """
    names_of(name)
    seen.cache_clear()  # a plug-in may have changed what the name stands for
    lanes_of.cache_clear()
    stopped = False
    for one in PROPERTIES:
        if METHODS[name].kind not in one.kinds:
            continue
        if stopped and one.name not in ("hyperparameters", "docstring"):
            yield Verdict(one, None, "not looked at")
            continue
        try:
            one.check(name)
            yield Verdict(one, True)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a method under trial raises is its verdict
            first = (str(error).strip() or "no message").splitlines()[0]
            kind = "" if isinstance(error, Unmet) else f"{type(error).__name__}: "
            yield Verdict(one, False, f"{kind}{first}")
            stopped = stopped or one.name in FIRST
