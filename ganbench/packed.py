"""States and what evaluations left behind, as named arrays of a file and back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganbench.metrics.evidence import Tally
from ganbench.record import Chunk, Scored


def as_like(x: np.ndarray, like: Any) -> Any:
    """A leaf as the program takes it; raises ValueError if it is of another shape or type."""
    made: Any = x
    if _is_key(like):
        made = jax.random.wrap_key_data(jnp.asarray(x), impl=jax.random.key_impl(like))
    if made.shape != like.shape or made.dtype != like.dtype:
        raise ValueError(f"{made.dtype} {made.shape}, must be {like.dtype} {like.shape}")
    return made


def _is_key(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def plain(name: str, x: Any) -> tuple[str, np.ndarray]:
    """An array as NumPy's files hold it, under a name that says where it was of a type of JAX's."""
    made = np.asarray(jax.random.key_data(x) if _is_key(x) else x)
    if made.dtype.isbuiltin == 1:
        return name, made
    return f"{name}|{made.dtype.name}", made.view(f"u{made.dtype.itemsize}")


def natural(name: str, x: np.ndarray) -> tuple[str, np.ndarray]:
    """What `plain` was given, but keys as their data."""
    own, _, kind = name.partition("|")
    return own, x.view(jnp.dtype(kind)) if kind else x


def flat_chunks(chunks: Sequence[Chunk]) -> Iterator[tuple[str, np.ndarray]]:
    """Every array of some chunks, by a name that is a list."""
    for i, chunk in enumerate(chunks):
        parts: dict[tuple[str, ...], Any] = {("seconds",): chunk.seconds}
        parts |= {("info", name): x for name, x in chunk.info.items()}
        parts |= {("tally", name): x for name, x in chunk.scored.tallies._asdict().items()}
        parts |= {("squares",): chunk.scored.squares, ("samples",): chunk.scored.samples}
        for diagnostic, own in chunk.diagnosed.items():
            parts |= {("diagnosed", diagnostic): np.zeros(0)}  # also where it has no quantity
            parts |= {("diagnosed", diagnostic, name): x for name, x in own.items()}
        for name, x in parts.items():
            yield plain(json.dumps([i, *name]), np.asarray(x))


def chunks_of(arrays: Mapping[str, np.ndarray]) -> list[Chunk]:
    """The chunks that `flat_chunks` was given; raises whatever broken names lead to."""
    made: dict[int, dict[tuple[str, ...], np.ndarray]] = {}
    for key, x in (natural(name, x) for name, x in arrays.items()):
        i, *name = json.loads(key)
        made.setdefault(i, {})[tuple(name)] = x
    return [_chunk(made[i]) for i in range(len(made))]


def _chunk(parts: Mapping[tuple[str, ...], np.ndarray]) -> Chunk:
    def under(*head: str) -> dict[str, np.ndarray]:
        n = len(head)
        return {name[n]: x for name, x in parts.items() if name[:n] == head and len(name) == n + 1}

    tallies: Any = under("tally")
    scored = Scored(Tally(**tallies), parts[("squares",)], parts[("samples",)])
    diagnosed = {name: under("diagnosed", name) for name in under("diagnosed")}
    return Chunk(under("info"), scored, diagnosed, float(parts[("seconds",)]))
