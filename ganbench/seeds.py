"""Random streams that depend on names, never on positions.

Every key is a chain of `fold_in` over stable hashes, so that adding a method, a hyperparameter or a
seed moves no other stream: the same replicate of two methods sees the same data in the same order.
"""

import hashlib

import jax
from jax.random import fold_in


def stable_hash(text: str) -> int:
    """A 32-bit hash of `text` that is the same in every process (Python's own `hash` is not)."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def fold_name(key: jax.Array, name: str) -> jax.Array:
    """The stream called `name` below `key`."""
    return fold_in(key, stable_hash(name))


def lane_key(seed: int, task: str, stream: str, replicate: int) -> jax.Array:
    """The key of one lane: base seed, task, stream ("train" or "evaluate"), replicate."""
    return fold_in(fold_name(fold_name(jax.random.key(seed), task), stream), replicate)
