"""The judges that `ganbench judge train` can make, by name."""

from functools import partial
from typing import Any

import numpy as np

from ganbench.judges.classifier import Lesson
from ganbench.judges.images import KNOWN, classify, image_judge, initial
from ganbench.judges.kinds import KINDS
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


def _drawings(name: str) -> Lesson:
    """Of a prepared set of 28 x 28 drawings."""
    read = partial(_split, name)
    return _lesson(name, split=read, steps=6000, rate=5e-3, folds=3, kinds=KINDS)


def _photographs(name: str) -> Lesson:
    """Of a prepared set of photographs."""
    read = partial(_split, name)
    return _lesson(name, split=read, steps=2000, rate=2e-3, folds=3, photographs=True)


LESSONS: dict[str, Lesson] = {
    "digits": _lesson("digits", split=split, steps=2000, rate=3e-3),  # 3,000 steps did not help
    "mnist": _drawings("mnist"),
    "fashion-mnist": _drawings("fashion-mnist"),
    "cifar10": _photographs("cifar10"),
    "celeba": _photographs("celeba"),
}
