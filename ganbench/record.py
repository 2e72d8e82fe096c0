"""What training left behind on the host: a block's, chunk by chunk, and each lane's in the end."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.metrics.evidence import Evidence, Tally, evidence
from ganbench.tasks.base import Task


class Scored(NamedTuple):
    """What one evaluation saw of a block."""

    tallies: Tally  # (lanes, batches, ...)
    squares: np.ndarray  # (lanes, batches): sum of squared entries of the samples
    samples: np.ndarray  # (lanes, kept, *shape)


class Chunk(NamedTuple):
    """What the steps between two evaluations of a block, and the second of these, left behind."""

    info: dict[str, np.ndarray]  # (lanes, steps) by name
    scored: Scored
    diagnosed: dict[str, dict[str, np.ndarray]]  # (lanes, ...) by diagnostic and quantity
    seconds: float  # that its steps took, beside others in the same wave


class Diagnosed(NamedTuple):
    """One diagnostic of one lane: the steps after which it was measured, and each quantity then."""

    steps: np.ndarray  # (D,)
    quantities: dict[str, np.ndarray]  # (D,) each


class Record(NamedTuple):
    """What one lane's training left behind, on the host.

    `curves` maps an info name to (evaluations, 3): mean, min and max of the steps since the last
    evaluation, NaN where the lane had stopped. `diverged_at` is the step of the first loss or
    parameter that is not finite.
    """

    steps: np.ndarray  # (E,) the evaluation steps
    curves: dict[str, np.ndarray]
    evidence: list[Evidence]  # one an evaluation, from curve_samples each
    sample_rms: np.ndarray  # (E,)
    generator_gradient: np.ndarray  # (steps,) norm at every step; empty if the method has none
    final: Evidence  # from final_samples
    curve_samples: np.ndarray  # (E, CURVE_SAMPLES_KEPT, *shape)
    final_samples: np.ndarray  # (FINAL_SAMPLES_KEPT, *shape) at most
    params: Any
    aux: Any
    diverged_at: int | None
    diagnosed: dict[str, Diagnosed]


def _summary(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, min and max of the steps at which the lane was still going."""
    kept = values[~np.isnan(values)]
    if not kept.size:
        return (np.nan, np.nan, np.nan)
    return float(kept.astype(np.float64).mean()), float(kept.min()), float(kept.max())


def record(
    lane: int, steps: np.ndarray, chunks: Sequence[Chunk], final: Scored, end: Any, task: Task
) -> Record:
    """One lane's record.

    Args:
        steps: the evaluation steps, one a chunk.
        final: the final evaluation.
        end: the block's last `Carry`, on the host.
    """

    def of(made: Scored) -> Evidence:
        return evidence(jax.tree.map(lambda x: x[lane], made.tallies), task.reference_mean)

    def rms(made: Scored, of: Evidence) -> float:
        total = made.squares[lane].astype(np.float64).sum()
        return float(np.sqrt(total / (of.n * math.prod(task.shape))))

    seen = [of(chunk.scored) for chunk in chunks]
    rms_seen = [rms(chunk.scored, e) for chunk, e in zip(chunks, seen, strict=True)]
    infos = [chunk.info for chunk in chunks]
    gradients = [info["grad_norm/g"][lane] for info in infos if "grad_norm/g" in info]
    return Record(
        steps=steps,
        curves={n: np.array([_summary(info[n][lane]) for info in infos]) for n in sorted(infos[0])},
        evidence=seen,
        sample_rms=np.array(rms_seen),
        generator_gradient=np.concatenate(gradients) if gradients else np.zeros(0),
        final=of(final),
        curve_samples=np.stack([chunk.scored.samples[lane] for chunk in chunks]),
        final_samples=final.samples[lane],
        params=jax.tree.map(lambda x: x[lane], end.state.params),
        aux=jax.tree.map(lambda x: x[lane], end.state.aux),
        diverged_at=int(end.diverged_at[lane]) or None,
        diagnosed=_diagnosed(lane, steps, chunks),
    )


def _diagnosed(lane: int, steps: np.ndarray, chunks: Sequence[Chunk]) -> dict[str, Diagnosed]:
    names = dict.fromkeys(name for chunk in chunks for name in chunk.diagnosed)
    made = {}
    for name in names:
        at = [i for i, chunk in enumerate(chunks) if name in chunk.diagnosed]
        own = [{n: x[lane] for n, x in chunks[i].diagnosed[name].items()} for i in at]
        made[name] = Diagnosed(steps[at], DIAGNOSTICS[name].told(own) if own[0] else {})
    return made
