"""GAM-II: every generator of a results folder before every other row's discriminator."""

import math
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.random import fold_in

from ganbench.diagnostics.inside import on_games
from ganbench.diagnostics.overfit import boundary
from ganbench.game import Data, TrainState
from ganbench.plan import ROW, SCHEMA
from ganbench.seeds import fold_name, lane_key
from ganbench.statistics import t_interval
from ganbench.trained import Run, Trained, trained

SAMPLES = 2500  # of each generator, rounded up to whole batches


def tournament(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each run's GAM-II score, and the mean of every pairing, from `states/` of a results folder.

    eps_j(G_i) = share of G_i's samples that D_j takes for real, i and j of the same seed and
    replicate; `gam2` = mean over j other than i, `gam2_worst` = min, from 0 to 1, higher is better.
    What a discriminator takes for real is said in `diagnostics.overfit`; GAP's count as one, with
    the mean of their shares. A discriminator of pairs (x, z) is no judge, nor is one whose run
    diverged. Null for a run that diverged, or that no other row has.

    `mdgan`'s first discriminator, which tells data from reconstructions, judges samples here, on
    which it was not trained.

    Relative to the pool: a row among weak discriminators scores well, the relation is not
    transitive, and samples unlike data may fool a discriminator that never saw their like. Read it
    beside `modes`, and with `error_on_real`, the share of held-out data that a judge calls false.

    Reference: Im, Ma, Kim, Taylor, "Generative Adversarial Parallelization", arXiv 1612.04021, its
    GAM-II, as recalled, not checked; the rule for scores that are no logits is ours.

    Raises:
        BadInput: see `trained.trained`.
    """
    played = [_played(task, *found) for task, found in trained(folder).items()]
    scores, pairs = (pd.concat(parts, ignore_index=True) for parts in zip(*played, strict=True))
    return scores, pairs


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """A row for each of the leaderboard's: mean over runs with its t interval, best first."""
    made = []
    for key, own in scores.groupby(ROW, sort=False):
        interval = t_interval(own["gam2"].to_numpy())
        row = dict(zip(ROW, key, strict=True))
        row |= {f"gam2_{name}": value for name, value in interval._asdict().items()}
        made.append(row | {"gam2_worst": own["gam2_worst"].mean(), "judges": own["judges"].max()})
    board = pd.DataFrame(made)
    parts = [part for _, part in board.groupby("task", sort=False)]
    best_first = [p.sort_values("gam2_mean", ascending=False, kind="stable") for p in parts]
    return pd.concat(best_first, ignore_index=True)


def _played(task: str, runs: list[Run], rows: list[Trained]) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys = jnp.stack([lane_key(seed, task, "gam2", replicate) for seed, replicate in runs])
    samples = [_samples(row, keys) for row in rows]
    taken = np.full((len(rows), len(rows), len(runs)), np.nan)  # generator, judge, run
    error = np.full((len(rows), len(runs)), np.nan)
    for j, judge in enumerate(rows):
        if "d" not in judge.game.recipe.nets or _claimed(judge, "discriminator's input"):
            continue
        calls = _caller(judge, samples[j], keys)
        held_out = _batches(judge, judge.game.unseen, keys, "held-out")
        error[j] = np.where(judge.alive, 1 - calls(held_out), np.nan)
        for i, row in enumerate(rows):
            if i != j:
                taken[i, j] = np.where(row.alive & judge.alive, calls(samples[i]), np.nan)
    return _scores(task, runs, rows, taken), _pairs(task, rows, taken, error)


def _claimed(row: Trained, resource: str) -> bool:
    return resource in {name for name, _ in row.game.recipe.claims}


def _count(row: Trained) -> int:
    return math.ceil(SAMPLES / row.game.setting.batch)


def _samples(row: Trained, keys: jax.Array) -> jax.Array:
    """(R, batches, batch, *shape): as many samples of each run, from the same latents for all."""

    def one(state: TrainState, key: jax.Array) -> jax.Array:
        key = fold_name(key, "samples")
        batches = jnp.arange(_count(row))
        return jax.lax.map(lambda i: row.game.method.generate(state, fold_in(key, i)), batches)

    return jax.jit(jax.vmap(one))(row.states, keys)


def _batches(row: Trained, source: Data, keys: jax.Array, stream: str) -> jax.Array:
    """As `_samples`, of data; a mixture's are the same from either source, but for the stream."""

    def one(key: jax.Array) -> jax.Array:
        key = fold_name(key, stream)
        return jax.lax.map(lambda i: source.real(fold_in(key, i)), jnp.arange(_count(row)))

    return jax.jit(jax.vmap(one))(keys)


def _caller(judge: Trained, own: jax.Array, keys: jax.Array) -> Callable[[jax.Array], np.ndarray]:
    """x (R, batches, batch, *shape) -> (R,): the share of each that the run's D takes for real."""
    real = _batches(judge, judge.game.seen, keys, "data")

    def one(state: TrainState, key: jax.Array, real: jax.Array, own: jax.Array, x: jax.Array):
        def measure(state: TrainState, key: jax.Array, t: jax.Array) -> dict[str, jax.Array]:
            def scores(x: jax.Array) -> jax.Array:
                d = judge.game.players(state)
                return jax.lax.map(lambda x: d("d", x, key=fold_name(key, "d")).score, x)

            middle, side = boundary(scores(real), scores(own), not _claimed(judge, "logit"))
            return {"share": jnp.mean(side * (scores(x) - middle) > 0)}

        share = on_games(judge.game, measure)(state, key, jnp.int32(judge.game.setting.steps))
        return share["share"].mean()

    program = jax.jit(jax.vmap(one))
    return lambda x: np.asarray(program(judge.states, keys, real, own, x), np.float64)


def _scores(task: str, runs: list[Run], rows: list[Trained], taken: np.ndarray) -> pd.DataFrame:
    judges = (~np.isnan(taken)).sum(1)
    made = [
        {
            **{"schema": SCHEMA, "task": task, "method": row.method},
            **{"hyperparameters": row.hyperparameters, "seed": seed, "replicate": replicate},
            "gam2": np.nanmean(taken[i, :, r]) if judges[i, r] else np.nan,
            "gam2_worst": np.nanmin(taken[i, :, r]) if judges[i, r] else np.nan,
            "judges": judges[i, r],
        }
        for i, row in enumerate(rows)
        for r, (seed, replicate) in enumerate(runs)
    ]
    return pd.DataFrame(made)


def _pairs(task: str, rows: list[Trained], taken: np.ndarray, error: np.ndarray) -> pd.DataFrame:
    def mean(values: np.ndarray) -> float:
        return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")

    made = [
        {
            **{"schema": SCHEMA, "task": task, "method": row.method},
            **{"hyperparameters": row.hyperparameters, "judge": judge.method},
            "judge_hyperparameters": judge.hyperparameters,
            "taken_for_real": mean(taken[i, j]),
            "error_on_real": mean(error[j]),
            "n": int((~np.isnan(taken[i, j])).sum()),
        }
        for i, row in enumerate(rows)
        for j, judge in enumerate(rows)
        if i != j
    ]
    return pd.DataFrame(made)
