"""`ganbench judge check`: a judge whose weights are the user's to bring, read and told of."""

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from ganbench.errors import BadInput, choices
from ganbench.judges.inception import inception_judge
from ganbench.tasks.base import Judge

JUDGES: dict[str, Callable[[Path], Judge]] = {"inception": inception_judge}


def check(name: str, path: Path, say: Callable[[str], None]) -> None:
    """Reads the weights of judge `name` from `path` and says what they are, in one line.

    Raises:
        BadInput: no judge of that name, or a file that is not its weights.
    """
    if name not in JUDGES:
        raise BadInput(f"judge: no weight file is known for {name!r}; known: {choices(JUDGES)}")
    judge = JUDGES[name](path)
    image = jax.ShapeDtypeStruct((1, 32, 32, 3), np.float32)
    verdict = jax.eval_shape(judge.judge, judge.weights, image)
    features, classes = verdict.features.shape[-1], verdict.log_p.shape[-1]
    arrays = len(jax.tree.leaves(judge.weights))
    say(f"SHA-256 {judge.hash}: {arrays} arrays, {features} features, {classes} classes")
