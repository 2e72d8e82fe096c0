"""From samples to scores: a task's truth, and a run's last samples under its judge."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from ganbench.metrics.catalogue import METRICS, OPTIONAL, measured
from ganbench.metrics.evidence import Evidence, Reference, evidence, tally
from ganbench.metrics.sample import SIZE, Sample, Truth
from ganbench.metrics.score import Score, Undefined, stated
from ganbench.seeds import fold_name, lane_key
from ganbench.tasks.base import Task, Verdict

TRAIN_SIZE = 10_000  # draws that stand for training data where these are drawn anew

Scorer = Callable[[Sample], Score]


def reference_of(task: Task) -> Reference:
    """The truth that a task's sums compare with."""
    moments = task.reference_mean, task.reference_cov, task.reference_samples
    return Reference(task.proportions, *moments)


def core_scores(seen: Evidence, task: Task) -> dict[str, Score]:
    """Every score that is made of sums."""
    reference = reference_of(task)
    return {name: measured(metric, seen, reference) for name, metric in METRICS.items()}


def sampled(task: Task, x: np.ndarray, seen: Evidence | None = None) -> Sample:
    """Samples `x`, (n, *shape), with the judge's verdict on each.

    Args:
        seen: the tally of the evaluation that `x` are the first of; of `x` themselves if not given.
    """
    verdict = _verdict(task, x)
    if seen is None:
        centre = np.asarray(task.reference_mean, np.float32)
        sums = tally(verdict, jnp.ones(len(x), bool), jnp.asarray(centre))
        seen = evidence(jax.tree.map(lambda leaf: leaf[None], sums), task.reference_mean)
    log_p = np.asarray(verdict.log_p, np.float64)
    answers = log_p.shape[2]
    place = answers ** np.arange(log_p.shape[1])[::-1]
    return Sample(
        x=np.asarray(x, np.float64),
        features=np.asarray(verdict.features, np.float64),
        log_p=log_p,
        mode=log_p.argmax(2) @ place,
        accepted=np.asarray(verdict.accepted),
        evidence=seen,
    )


def _verdict(task: Task, x: np.ndarray) -> Verdict:
    """The judge's verdict on `x`, some at a time: a training set's maps fill the memory."""
    judge = jax.jit(task.judge.judge)
    parts = [x[i : i + SIZE] for i in range(0, len(x), SIZE)] or [x]
    made = [judge(task.judge.weights, jnp.asarray(part, jnp.float32)) for part in parts]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *made)


def truth_of(task: Task) -> Truth:
    """What generators of `task` are held against: the sets themselves, or draws that never change.

    Draws are 10,000 for training and 2,500 held out; of a larger held-out set, evenly spaced ones.
    A training set is whole, for what was copied may be any of it, and judged when it is asked for:
    of 60,000 images it fills memory that few scores need.
    """

    def drawn(name: str, source: np.ndarray, size: int) -> np.ndarray:
        key = fold_name(lane_key(0, task.name, "truth", 0), name)
        return np.asarray(task.sample(key, jnp.asarray(source), size))

    @cache
    def train() -> Sample:
        if task.fixed:
            return sampled(task, np.asarray(task.values(task.train)))
        return sampled(task, drawn("train", task.train, TRAIN_SIZE))

    if task.fixed:
        spaced = task.held_out[:: math.ceil(len(task.held_out) / SIZE)]
        held_out = np.asarray(task.values(spaced))
    else:
        held_out = drawn("held-out", task.held_out, SIZE)
    return Truth(reference_of(task), train, sampled(task, held_out), task.fixed, task.log_density)


def scorers(task: Task, names: Iterable[str]) -> dict[str, Scorer]:
    """The scores of `names`, fitted to the task's truth; no truth is drawn if there are none."""
    names = list(names)
    truth = truth_of(task) if names else None

    def fitted(name: str) -> Scorer:
        assert truth is not None
        try:
            return OPTIONAL[name].fit(truth)
        except Undefined as reason:  # the task has no such score
            return partial(_without, str(reason))
        except Exception as error:  # nor is it to end a sweep
            return partial(_without, f"{type(error).__name__}: {error}".splitlines()[0][:200])

    return {name: fitted(name) for name in names}


def _without(reason: str, sample: Sample) -> Score:
    return Score(float("nan"), len(sample.x), note=reason)


def sample_scores(
    scorers: Mapping[str, Scorer], task: Task, x: np.ndarray, seen: Evidence
) -> dict[str, Score]:
    """What `scorers` say of a run's last samples `x`, the first 2,500 of them."""
    if not scorers:
        return {}
    sample = sampled(task, x[:SIZE], seen)
    return {name: stated(partial(score, sample), len(sample.x)) for name, score in scorers.items()}
