"""Hand-made runs, the leaderboard of some, and one side of a comparison."""

import numpy as np
import pandas as pd

from ganbench.compare import compare
from ganbench.leaderboard import leaderboard
from ganbench.metrics.catalogue import METRICS
from ganbench.sides import Side

PROTOCOL = {
    "version": 2,
    "data": "d",
    "judge": "j",
    "metrics": {"version": 1, "names": ["modes"]},
    "outcome": {"success_coverage": 0.9},
    "budget": {"steps": 5000},
}


def runs(method, successes, n, task="ring", **columns):
    """`n` runs, the first `successes` of them successful; a column may list one value a run."""
    rows = {
        "schema": 1,
        "task": task,
        "method": method,
        "hyperparameters": "{}",
        "seed": 0,
        "replicate": np.arange(n),
        "status": ["ok"] * successes + ["collapsed"] * (n - successes),
        "onset": np.nan,
        "reason": np.nan,
        "coverage": 1.0,
        "success": np.arange(n) < successes,
        "steps_to_90": 100.0,
        "samples": 2500,
        **dict.fromkeys(METRICS, 1.0),
        "protocol_hash": "p",
        "judge_hash": "j",
        "cost_compile_s": 2.0,
        "cost_trace_s": 1.0,
        "cost_ms_per_step_lane": 0.5,
        "cost_flops_per_step": 1e6,
    }
    return pd.DataFrame({**rows, **columns})


def board(*parts, reference=("real", "held-out", "noise")):
    return leaderboard(pd.concat(parts, ignore_index=True), reference)


def of(*parts, protocols=None, paired=False, where="x"):
    """A side of hand-made runs; without its runs nothing is paired."""
    made = pd.concat(parts, ignore_index=True)
    return Side(where, board(*parts), made if paired else None, protocols or {})


def verdicts(a, b, **how):
    rows = compare(a, b, **how).rows
    return dict(zip(rows["method"], rows["verdict"], strict=True))


def with_protocol(*parts, task="ring", **changed):
    made = of(*parts, protocols={task: PROTOCOL | changed})
    told = {"protocol_hash": str(changed)} | (
        {"judge_hash": changed["judge"]} if "judge" in changed else {}
    )
    return made._replace(board=made.board.assign(**told))
