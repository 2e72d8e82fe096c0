"""The judges that `ganbench judge train` can make, by name."""

from functools import partial
from typing import Any

import numpy as np

from ganbench.judges.classifier import Lesson
from ganbench.judges.images import KNOWN, classify, image_judge, initial
from ganbench.tasks.base import Split
from ganbench.tasks.digits import split
from ganbench.tasks.images import values
from ganbench.tasks.prepared import load


def _split(name: str) -> Split:
    """Image set `name` with values in [-1, 1]."""
    data = load(name)
    train, held_out = (np.asarray(values(x)) for x in (data.train, data.held_out))
    return data._replace(train=train, held_out=held_out)


def _lesson(name: str, **given: Any) -> Lesson:
    net, sha256 = KNOWN[name]
    return Lesson(
        initial=partial(initial, net),
        classify=partial(classify, net),
        judge=partial(image_judge, name),
        sha256=sha256,
        classes=net.classes,
        **given,
    )


def _prepared(name: str, **given: Any) -> Lesson:
    """Of a prepared set, from which the gate tells all others so well that it lets 99 % pass."""
    own = {"split": partial(_split, name), "rate": 2e-3, "folds": 3, "passed": 0.99}
    return _lesson(name, **own, **given)


LESSONS: dict[str, Lesson] = {
    "digits": _lesson("digits", split=split, steps=2000, rate=3e-3),  # 3,000 steps did not help
    "mnist": _prepared("mnist", steps=10_000),
    "fashion-mnist": _prepared("fashion-mnist", steps=10_000),
    "cifar10": _prepared("cifar10", steps=2000, mirrored=True),
    "celeba": _prepared("celeba", steps=2000, mirrored=True),
}
