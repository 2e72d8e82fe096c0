"""A results folder of a million runs, made up: how long its tables take, and how much memory.

    python benchmarks/million.py [RUNS]

Runs are those of `results/reference/mode-collapse`, drawn anew into rows of 500 seeds, in groups of
64 lanes. Each phase is a process of its own, so that its memory is its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SEEDS, LANES, TASKS = 500, 64, 4


def made_up(runs: int) -> pd.DataFrame:
    """So many runs, in rows of `SEEDS` seeds, a quarter of the rows on each of four tasks."""
    from ganbench.results import read_runs
    from ganbench.tables import RUN_COLUMNS

    real = read_runs(Path("results/reference/mode-collapse/runs.csv"))
    real = real[(real["task"] == "grid") & (real["method"] != "noise")]
    rng = np.random.default_rng(0)
    rows = -(-runs // SEEDS)
    row, seed = np.divmod(np.arange(runs), SEEDS)
    method = rng.permutation(real["method"].unique())
    # each row draws from the runs of one real method
    pools = {name: np.flatnonzero(real["method"] == name) for name in method}
    of = np.array([method[i % len(method)] for i in range(rows)])[row]
    drawn = np.empty(runs, int)
    for name, pool in pools.items():
        here = of == name
        drawn[here] = rng.choice(pool, here.sum())
    frame = real.iloc[drawn].reset_index(drop=True)
    frame["task"] = np.char.add("task-", (row % TASKS).astype(str))
    frame["method"] = np.char.add("method-", (row // TASKS).astype(str))
    frame["hyperparameters"] = '{"learning_rate":0.001}'
    frame["replicate"] = seed
    frame["cell"] = [f"{i:064x}" for i in range(runs)]
    for name in set(RUN_COLUMNS) - set(frame):
        frame[name] = np.nan
    return frame[RUN_COLUMNS]


def store(folder: Path, runs: int) -> None:
    """Groups of `LANES` runs, as a sweep leaves them, without curves and arrays."""
    from ganbench import finished
    from ganbench.provenance import origin

    frame = made_up(runs)
    protocols = {task: {"budget": {"steps": 100}} for task in frame["task"].unique()}
    made = {task: origin("cpu", {task: own}) for task, own in protocols.items()}
    for i, (_, rows) in enumerate(frame.groupby(["task", "method"], sort=False)):
        for first in range(0, len(rows), LANES):
            own = rows.iloc[first : first + LANES]
            target = folder / "groups" / f"group_{i}_{first}"
            target.mkdir(parents=True)
            own.to_csv(target / "runs.csv", index=False)
            (target / "provenance.json").write_text(made[own["task"].iloc[0]])
            finished.seal(target, target)


def tables(folder: Path) -> None:
    from ganbench.store import Store

    store = Store(folder, "million", {})
    store.write_tables([("task-0", "method-0")])


def board(folder: Path) -> None:
    from ganbench.leaderboard import leaderboard
    from ganbench.results import read_runs

    made = leaderboard(read_runs(folder / "runs.csv"))
    made.to_csv(folder / "again.csv", index=False)


PHASES = {"tables": tables, "board": board}


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        began = time.perf_counter()
        store(folder, runs)
        groups = len(list((folder / "groups").iterdir()))
        print(f"{runs:,} runs in {groups:,} groups, written in {time.perf_counter() - began:.0f} s")
        for name in PHASES:
            done = subprocess.run(
                [sys.executable, __file__, "--phase", name, made], capture_output=True, text=True
            )
            if done.returncode:
                sys.exit(done.stderr)
            told = json.loads(done.stdout)
            print(f"{name}: {told['seconds']:.1f} s, {told['gigabytes']:.2f} GB at most")
        rows = len(pd.read_csv(folder / "leaderboard.csv"))
        print(f"the leaderboard has {rows:,} rows")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--phase"]:
        clock = time.perf_counter()
        PHASES[sys.argv[2]](Path(sys.argv[3]))
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": time.perf_counter() - clock, "gigabytes": used / 1e9}))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
