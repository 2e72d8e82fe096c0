"""Image sets that tensorflow-datasets has prepared, read without TensorFlow.

They lie in `TFDS_DATA_DIR`, or where tensorflow-datasets puts them: `~/tensorflow_datasets`. The
newest version that is there is read; a task's hash of the pixels tells versions apart.
"""

import io
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganbench.errors import BadInput
from ganbench.tasks.base import Split
from ganbench.tasks.sets import SETS, ImageSet, image_set

AT_ONCE = 1000  # records read at a time
VERSION = re.compile(r"\d+\.\d+\.\d+")  # while it is prepared, a folder's name has more behind it
FORMAT = "array_record"  # the one that is read without TensorFlow


class State(NamedTuple):
    """Whether a set can be read: the folder of the version there is, and what is wrong with it."""

    folder: Path | None
    reason: str  # in one line, with what to type; empty if it is ready
    part: str = ""  # how many of its images there are, if not all

    def ready(self) -> bool:
        return not self.reason


def data_folder() -> Path:
    """Where prepared sets lie."""
    return Path(os.environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets")


def state(name: str) -> State:
    """Whether set `name` is ready to be read; looks at names and sizes of files alone.

    Raises:
        BadInput: no set of that name.
    """
    known, where = image_set(name), f"{data_folder()} (TFDS_DATA_DIR)"
    try:
        return _looked_up(known, name, where)
    except OSError as error:
        return State(None, f"{where} cannot be looked into: {error.strerror}")


def _looked_up(known: ImageSet, name: str, where: str) -> State:
    root, advice = data_folder() / known.tfds, _advice(name)
    if not data_folder().is_dir():
        if data_folder().exists():
            return State(None, f"{where} is no folder")
        return State(None, f"there is no folder {where}; {advice}")
    whole = [p for p in root.glob("*/dataset_info.json") if VERSION.fullmatch(p.parent.name)]
    versions = [path.parent for path in whole]
    if not versions:
        half = "half" if any(root.glob("*/*")) else "not"
        return State(None, f"{half} prepared in {where}; {advice}")
    newest = max(versions, key=lambda p: [int(part) for part in p.name.split(".")])
    part = ""
    try:
        info = json.loads((newest / "dataset_info.json").read_text())
        fault = _fault(newest, info)
        part = "" if fault else _part(info, known)
    except PermissionError as error:
        return State(newest, f"{error.filename} cannot be read: {error.strerror}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        fault = "dataset_info.json cannot be read"
    return State(newest, f"{newest}: {fault}; {_again(newest, name)}" if fault else "", part)


def _advice(name: str) -> str:
    return f"type: ganbench data prepare {name}"


def _again(folder: Path, name: str) -> str:
    """What to do about a version that is there and cannot be read: preparing would leave it be."""
    return f"remove {folder}, then {_advice(name)}"


def _part(info: Mapping[str, Any], known: ImageSet) -> str:
    """How many images a prepared version has, if not all: scores on these are not the set's."""
    sizes = {split["name"]: sum(map(int, split["shardLengths"])) for split in info["splits"]}
    found = sizes["train"], sizes["test"]
    told = " of ".join(f"{train:,} + {test:,}" for train, test in (found, known.images))
    return "" if found == known.images else f"{told} images"


def _fault(folder: Path, info: Mapping[str, Any]) -> str:
    """What keeps a prepared version from being read; empty if nothing does."""
    if (found := info.get("fileFormat", "tfrecord")) != FORMAT:
        return f"prepared as {found}, must be {FORMAT}"
    sizes = {split["name"]: split["shardLengths"] for split in info["splits"]}
    for name in ("train", "test"):
        if name not in sizes:
            return f"there is no split {name}"
        for i in range(count := len(sizes[name])):
            shard = folder / f"{info['name']}-{name}.{FORMAT}-{i:05}-of-{count:05}"
            if not shard.is_file() or not shard.stat().st_size:
                return f"{shard.name} is missing or empty"
    return ""


@cache
def load(name: str) -> Split:
    """Set `name`, uint8, read once a process; its test split is held out.

    Raises:
        BadInput: it is not there, not whole, or no set at all; the message says what to type.
    """
    found, known = state(name), image_set(name)
    if found.folder is None or not found.ready():
        raise BadInput(f"data set {name}: {found.reason}")
    try:
        made = Split(*_read(found.folder, known, "train"), *_read(found.folder, known, "test"))
    except Exception as error:  # whatever a file that is not what it should be makes a library do
        told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        told = f"{found.folder} cannot be read ({told}); {_again(found.folder, name)}"
        raise BadInput(f"data set {name}: {told}") from None
    return made


def _read(folder: Path, known: ImageSet, split: str) -> tuple[np.ndarray, np.ndarray]:
    """(images, labels) of one split, in the order of its records."""
    import tensorflow_datasets as tfds  # half a second, which who reads no images need not wait

    # the pictures are opened here, without a look at TensorFlow's or OpenCV's absence for each
    raw = {"image": tfds.decode.SkipDecoding()}
    source: Any = tfds.builder_from_directory(folder).as_data_source(split=split, decoders=raw)
    images = np.empty((len(source), *known.shape), np.uint8)
    labels = np.empty(len(source), np.int32)
    for first in range(0, len(source), AT_ONCE):
        here = range(first, min(first + AT_ONCE, len(source)))
        for i, record in zip(here, source.__getitems__(list(here)), strict=True):
            pixels = known.pixels(Image.open(io.BytesIO(record["image"])))
            images[i] = pixels.reshape(known.shape)
            labels[i] = known.label(record)
    if labels.min() < 0 or labels.max() >= len(known.classes):
        raise ValueError(f"a label is none of {len(known.classes)} classes")
    return images, labels


def prepare(name: str) -> Path:
    """The folder of set `name`: as it is if it is ready, else downloaded, written as array_record.

    Raises:
        BadInput: no set of that name, TensorFlow is not installed, or it could not be done.
    """
    known, found = image_set(name), state(name)
    if found.folder is not None and found.ready():
        return found.folder
    if found.folder is not None or not found.reason.endswith(_advice(name)):
        raise BadInput(f"data prepare {name}: {found.reason}")
    try:
        import tensorflow  # noqa: F401  tensorflow-datasets writes with it
    except ImportError:
        told = "preparing needs TensorFlow; from the checkout, type: pip install -e '.[prepare]'"
        raise BadInput(f"data prepare {name}: {told}") from None
    import tensorflow_datasets as tfds

    try:
        builder: Any = tfds.builder(known.tfds, data_dir=data_folder(), file_format=FORMAT)
        builder.download_and_prepare()
    except Exception as error:  # network, disk, checksum: tensorflow-datasets has no one class
        told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise BadInput(f"data prepare {name}: {told}") from None
    made = state(name)
    if made.folder is None or not made.ready():
        raise BadInput(f"data prepare {name}: {made.reason}")
    return made.folder


def listed() -> list[dict[str, Any]]:
    """Every set: its name, whether it is ready, and where, or why not."""
    found = {name: state(name) for name in SETS}
    return [
        {"name": n, "ready": s.ready(), "where": str(s.folder or "")}
        | {"reason": s.reason, "part": s.part}
        for n, s in found.items()
    ]
