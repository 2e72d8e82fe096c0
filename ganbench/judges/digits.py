"""The judge of 8 x 8 digits: a small classifier with an eleventh answer, "none of them".

Its weights are committed, pinned by their SHA-256, and remade by `judges.classifier`.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import Precision

from ganbench.errors import BadInput
from ganbench.tasks.base import Judge, Verdict

# Dense layers only: XLA's CPU backend is slow on small convolutions under vmap, and 99 % is reached
# without. The last hidden layer, 24 wide, is what the Frechet distance compares.
WIDTHS = (64, 192, 64, 24, 11)
LAYERS = len(WIDTHS) - 1
DIGITS_PATH = Path(__file__).parent / "weights" / "digits.npz"
DIGITS_SHA256 = "6b3ee9f643b9e02fb3db01b67cf711ddd5c6e356fd176c7198205a4c72ece491"


def digits_judge() -> Judge:
    """The committed judge of digits: one digit per channel of (batch, 8, 8, channels).

    p is the softmax over the first ten of a channel's eleven logits; each channel is a factor, so
    the first channel's digit is the most significant of the mode's decimals. A channel passes the
    gate when log(p(none) / (1 - p(none))) < threshold; a sample is accepted when all its channels
    pass. Features are the 24 values that enter the last hidden layer's ReLU (after it, some would
    be zero for every digit), concatenated by channel.

    The threshold was set on training digits alone: see `judges.classifier.train`.

    Raises: BadInput when the file is missing or its SHA-256 is not the pinned one.
    """
    return Judge(judge_digits, load(DIGITS_PATH, DIGITS_SHA256), DIGITS_SHA256)


def judge_digits(weights: dict[str, np.ndarray], x: jax.Array) -> Verdict:
    """The verdict on x, (batch, 8, 8, channels) in [-1, 1], one digit per channel."""
    channels = [classify(weights, x[..., channel]) for channel in range(x.shape[-1])]
    log_p = [jax.nn.log_softmax(logits[:, :10], axis=-1) for logits, _ in channels]
    passed = [none_odds(logits) < weights["threshold"] for logits, _ in channels]
    return Verdict(
        log_p=jnp.stack(log_p, axis=1),
        accepted=jnp.all(jnp.stack(passed), axis=0),
        features=jnp.concatenate([hidden for _, hidden in channels], axis=-1),
    )


def classify(params, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Eleven logits, (batch, 11), and the last hidden values, (batch, 24), of (batch, 8, 8)."""
    hidden = jnp.reshape(images, (len(images), -1))
    for layer in range(LAYERS):
        entering = hidden
        hidden = jax.nn.relu(hidden) if layer else hidden
        # Highest: a GPU would otherwise round the products to TF32 and move the gate.
        hidden = jnp.matmul(hidden, params[f"kernel_{layer}"], precision=Precision.HIGHEST)
        hidden = hidden + params[f"bias_{layer}"]
    return hidden, entering


def none_odds(logits: Any) -> jax.Array:
    """log(p(none) / (1 - p(none))) of (batch, classes + 1) logits: (batch,)."""
    return logits[:, -1] - jax.nn.logsumexp(logits[:, :-1], axis=-1)


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
