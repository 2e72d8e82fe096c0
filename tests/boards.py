"""Hand-made runs, and the leaderboard of some."""

import numpy as np
import pandas as pd

from ganbench.leaderboard import leaderboard
from ganbench.metrics.catalogue import METRICS


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
