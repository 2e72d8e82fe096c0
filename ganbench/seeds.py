"""Random streams that depend on names, never on positions.

Every key is a chain of `fold_in` over stable hashes, so that adding a method, a hyperparameter or a
seed moves no other stream: the same replicate of two methods sees the same data in the same order.
"""

import hashlib

import jax
import numpy as np
from jax.random import fold_in


def stable_hash(text: str) -> int:
    """A 32-bit hash of `text` that is the same in every process (Python's own `hash` is not)."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def fold_name(key: jax.Array, name: str) -> jax.Array:
    """The stream called `name` below `key`."""
    return fold_in(key, stable_hash(name))


def lane_key(seed: int, task: str, stream: str, replicate: int) -> jax.Array:
    """The key of one lane: base seed, task, stream ("train" or "evaluate"), replicate."""
    path = np.array([stable_hash(task), stable_hash(stream), replicate], np.uint32)
    return _folded(jax.random.key(seed), path)


@jax.jit  # a group asks for hundreds of keys, each of which would be three programs
def _folded(key: jax.Array, path: jax.Array) -> jax.Array:
    for place in range(len(path)):
        key = fold_in(key, path[place])
    return key
