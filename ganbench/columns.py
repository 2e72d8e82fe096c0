"""What the columns of a results folder's tables must hold, whoever wrote them."""

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ganbench.errors import BadInput
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.plan import SCHEMA

_TEXTS = ("task", "method", "hyperparameters", "status")  # also where they look like numbers
#: Columns that are computed with: whatever else a table holds is shown, or not looked at.
_NUMBERS = re.compile(
    r"rank\w*|n|n_\w+|successes|\w+_(mean|low|high|n|rate)|cost_\w+|seeds_to_next|value|step|mean|"
    r"min|max|coverage|jaccard|steps_to_90|onset|(reference_)?samples"
)
# whole numbers that may be missing: NumPy would make them floats
_WHOLE = ("onset", "samples", "reference_samples")
_COUNTS = re.compile(r"rank\w*|n|n_\w+|successes|\w+_n|seeds_to_next|step|cost_block")


def parsed(path: Path, source: Path | io.BytesIO) -> pd.DataFrame:
    """A table of the file `path`, read from `source`.

    Raises:
        BadInput: it cannot be read, is of another schema, or has something else for a number.
    """
    try:
        texts = dict.fromkeys(_TEXTS, str)
        frame = pd.read_csv(source, keep_default_na=False, na_values=[""], dtype=texts)
    except (OSError, ValueError) as error:  # an empty file and a broken line are ValueErrors
        raise BadInput(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    schemas = set(frame["schema"]) if "schema" in frame else {"none"}
    if schemas - {SCHEMA}:
        raise BadInput(f"{path}: schema {schemas.pop()}; this version reads schema {SCHEMA}")
    for name in map(str, frame):
        if name in METRICS or name in OPTIONAL or _NUMBERS.fullmatch(name):
            _check_numbers(path, name, frame[name])
    for name in _WHOLE:
        if name in frame:
            try:
                frame[name] = frame[name].astype("Int64")
            except (TypeError, ValueError, OverflowError):
                raise BadInput(f"{path}: column {name} must be whole numbers") from None
    return frame


def _check_numbers(path: Path, name: str, column: pd.Series) -> None:
    whole = name in _WHOLE or _COUNTS.fullmatch(name)
    if pd.api.types.is_numeric_dtype(column):
        wrong = whole and np.isinf(column).any()
    else:  # texts, or whole numbers beyond 64 bits
        wrong = column.notna().any()
    if wrong:
        raise BadInput(f"{path}: column {name} must be {'whole numbers' if whole else 'numbers'}")


def checked(path: Path, frame: pd.DataFrame, needed: Sequence[str], what: str) -> pd.DataFrame:
    """`frame`, or BadInput where it lacks a column that is `needed`, or a row has no name."""
    missing = [name for name in needed if name not in frame]
    if missing:
        raise BadInput(f"{path}: not {what}: no column {missing[0]}")
    for name in _TEXTS:
        if name in frame and frame[name].isna().any():
            raise BadInput(f"{path}: column {name} has an empty cell")
    for text in frame["hyperparameters"].unique():
        try:
            table = isinstance(json.loads(text), dict)
        except (TypeError, ValueError, RecursionError):
            table = False
        if not table:
            raise BadInput(f"{path}: hyperparameters {text[:60]!r} are no JSON table")
    return frame


def check_whole(path: Path, frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Raises BadInput where a column holds something else than whole numbers."""
    for name in names:
        if len(frame) and not pd.api.types.is_integer_dtype(frame[name]):
            raise BadInput(f"{path}: column {name} must be whole numbers")
