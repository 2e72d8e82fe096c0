"""Files of weights: the same arrays give the same bytes, and bytes are pinned by their SHA-256."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from ganbench.errors import BadInput


def load(path: Path, sha256: str) -> dict[str, np.ndarray]:
    """The arrays of the .npz file at `path`, whose SHA-256 must be `sha256`.

    Raises: BadInput, naming the file, when it cannot be read or its hash differs.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise BadInput(f"{path}: SHA-256 is {found}, must be {sha256}; restore the file")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    """`arrays` as the bytes of an .npz file: the same arrays always give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.asarray(arrays[name]), allow_pickle=False)
            # A fixed time and system: ZipInfo would otherwise record the platform.
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            archive.writestr(info, entry.getvalue())
    return content.getvalue()
