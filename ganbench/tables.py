"""From a group's records to rows: `runs.csv` and `curves.parquet`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.diagnostics.outcome import (
    UNFINISHED,
    Baseline,
    Outcome,
    Rules,
    Trace,
    jaccard_distance,
    outcome,
)
from ganbench.harness import Cost
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.metrics.evidence import Evidence
from ganbench.metrics.modes import covered
from ganbench.metrics.score import Score
from ganbench.plan import RUN, SCHEMA, Cell, cell_hash
from ganbench.provenance import commit
from ganbench.record import Record
from ganbench.scoring import Scorer, core_scores, reference_of, sample_scores
from ganbench.tasks.base import Task

RUN_COLUMNS = [
    *("schema", *RUN, "status", "onset", "reason", "success", "coverage", "jaccard"),
    *("steps_to_90", "samples", *METRICS),
    *("protocol_hash", "judge_hash", "cell", "commit", "device"),
    *("cost_compile_s", "cost_trace_s", "cost_ms_per_step_lane", "cost_flops_per_step"),
    "cost_block",
]
SCORE_COLUMNS = ["schema", *RUN, "score", "value", "samples", "reference_samples", "note"]
CURVE_COLUMNS = ["schema", *RUN, "step", "metric", "mean", "min", "max", "samples"]


class Scale(NamedTuple):
    """What a task's runs are held against."""

    task: Task
    rules: Rules
    baseline: Baseline
    protocol_hash: str
    device: str  # the kind it is trained on
    scorers: Mapping[str, Scorer]  # the scores that the suite asks for beside METRICS


def baseline_of(task: Task, records: Sequence[Record]) -> Baseline:
    """What a perfect sampler reaches: means over records of the `real` row."""
    reference = reference_of(task)

    def count(seen: Evidence) -> int:
        return int(covered(seen, reference).sum())

    sets = [[covered(e, reference) for e in record.evidence] for record in records]
    steps = [jaccard_distance(a, b) for run in sets for a, b in zip(run, run[1:], strict=False)]
    curve = [e for record in records for e in record.evidence]
    final = [record.final for record in records]
    return Baseline(
        curve_modes=float(np.mean([count(e) for e in curve])),
        final_modes=float(np.mean([count(e) for e in final])),
        curve_high_quality=float(np.mean([e.accepted / e.n for e in curve])),
        high_quality=float(np.mean([e.accepted / e.n for e in final])),
        jaccard=float(np.mean(steps)),
    )


def _trace(record: Record, task: Task) -> Trace:
    reference = reference_of(task)
    return Trace(
        steps=record.steps,
        covered=np.stack([covered(e, reference) for e in record.evidence]),
        high_quality=np.array([e.accepted / e.n for e in record.evidence]),
        sample_rms=record.sample_rms,
        generator_gradient=record.generator_gradient,
        final_modes=int(covered(record.final, reference).sum()),
        final_high_quality=record.final.accepted / record.final.n,
        diverged_at=record.diverged_at,
        data_rms=task.rms,
        failed=None,
    )


def _labels(cell: Cell) -> dict[str, Any]:
    return {"schema": SCHEMA, **cell.known_by()}


def _run_row(
    cell: Cell,
    task: Task,
    protocol_hash: str,
    device: str,
    cost: Cost | None,
    rest: dict[str, Any],
) -> dict[str, Any]:
    costs = cost._asdict() if cost else dict.fromkeys(Cost._fields, np.nan)
    own = {
        **_labels(cell),
        "protocol_hash": protocol_hash,
        "judge_hash": task.judge.hash,
        "cell": cell_hash(protocol_hash, cell),
        "commit": commit(),
        "device": device,
        **{f"cost_{name}": value for name, value in costs.items()},
    }
    return dict.fromkeys(RUN_COLUMNS) | own | rest


def final_scores(record: Record, scale: Scale) -> dict[str, Score]:
    """Every score of a run's last samples, those that the suite asks for among them."""
    beside = sample_scores(scale.scorers, scale.task, record.final_samples, record.final)
    return core_scores(record.final, scale.task) | beside


def run_row(
    cell: Cell, record: Record, scores: Mapping[str, Score], scale: Scale, cost: Cost
) -> dict[str, Any]:
    """The row of `runs.csv` of a run that was trained to its end; `scores` are its `final_scores`.

    A diverged run has no scores: its samples are those of the last finite step.
    """
    made: Outcome = outcome(
        _trace(record, scale.task), scale.baseline, scale.rules, scale.task.statuses
    )
    dead = made.status in UNFINISHED
    values = {name: np.nan if dead else score.value for name, score in scores.items()}
    rest = made._asdict() | values | {"samples": record.final.n}
    return _run_row(cell, scale.task, scale.protocol_hash, scale.device, cost, rest)


def score_rows(cell: Cell, scores: Mapping[str, Score], status: str) -> list[dict[str, Any]]:
    """A run's rows of `scores.csv`, a score each with its sizes; `status` is how it ended."""
    return [
        _labels(cell)
        | {
            "score": name,
            "value": np.nan if status in UNFINISHED else score.value,
            "samples": score.n,
            "reference_samples": score.n_reference,
            "note": f"the run {status}" if status in UNFINISHED else score.note,
        }
        for name, score in scores.items()
    ]


def failed_row(
    cell: Cell, reason: str, task: Task, protocol_hash: str, device: str
) -> dict[str, Any]:
    """The row of a run that the program stopped."""
    rest = {"status": "failed", "reason": reason, "success": False, "samples": 0}
    return _run_row(cell, task, protocol_hash, device, None, rest)


def curve_rows(cell: Cell, record: Record, scale: Scale) -> pd.DataFrame:
    """A run's curves, long: what the game logged and every score, at each evaluation; what was
    measured inside the game, at those that were asked for."""
    alive = record.steps < (record.diverged_at or np.inf)
    scores = [core_scores(e, scale.task) for e in record.evidence]
    logged = list(record.curves.values())
    scored = [np.where(alive, [s[name].value for s in scores], np.nan) for name in METRICS]
    values = np.concatenate([*logged, *(np.stack([x] * 3, axis=1) for x in scored)])
    # what the game logged has no samples: it is averaged over the steps
    none, seen = [pd.NA] * len(record.steps), [e.n for e in record.evidence]
    columns = {
        **_labels(cell),
        "step": np.tile(record.steps, len(logged) + len(scored)),
        "metric": np.repeat([*record.curves, *METRICS], len(record.steps)),
        **dict(zip(("mean", "min", "max"), values.T, strict=True)),
        "samples": pd.Series(none * len(logged) + seen * len(scored), dtype="Int64"),
    }
    return pd.concat([pd.DataFrame(columns)[CURVE_COLUMNS], *_diagnosed(cell, record)])


def _diagnosed(cell: Cell, record: Record) -> Iterator[pd.DataFrame]:
    """What was measured inside the game: rows `diagnostic/quantity`, null once a run diverged."""
    for name, made in record.diagnosed.items():
        alive = made.steps < (record.diverged_at or np.inf)
        for quantity, values in made.quantities.items():
            value = np.where(alive, values, np.nan)
            own = {"step": made.steps, "metric": f"{name}/{quantity}"}
            spread = dict.fromkeys(("mean", "min", "max"), value)
            none = pd.Series([pd.NA] * len(value), dtype="Int64")
            yield pd.DataFrame({**_labels(cell), **own, **spread, "samples": none})[CURVE_COLUMNS]


def run_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """`runs.csv` as a frame: whole numbers stay whole where a value is missing.

    The scores that a suite asks for have columns, after all others, where a row has any.
    """
    asked = [name for name in OPTIONAL if any(name in row for row in rows)]
    frame = pd.DataFrame(rows, columns=[*RUN_COLUMNS, *asked])
    whole = {name: "Int64" for name in ("schema", "seed", "replicate", "onset", "samples")}
    return frame.astype(whole).astype({"success": bool})


def score_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """`scores.csv` as a frame."""
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)
