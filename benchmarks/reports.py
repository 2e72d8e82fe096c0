"""How long the report of a suite with 2,000 runs takes, how much memory, and how large it is.

    python benchmarks/reports.py [RUNS]

Its runs are made up: as many curves and samples as `mode-collapse` keeps, half of them failed. How
long the page takes to open too, where there is Chromium.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ganbench.leaderboard import leaderboard
from ganbench.metrics.catalogue import METRICS
from ganbench.plan import SCHEMA
from ganbench.registry import kinds
from ganbench.trained import label

SEEDS, EVALUATIONS, STEPS = 16, 25, 5000
LOGGED = ("loss/d", "loss/g", "grad_norm/d", "grad_norm/g", "update_norm/d", "update_norm/g")
TASKS = {"ring": (2,), "grid": (2,), "stacked-digits": (8, 8, 3)}


def made(folder: Path, runs: int) -> None:
    """Writes a results folder of so many runs."""
    rng = np.random.default_rng(0)
    rows = runs // SEEDS
    names = [("ring", "real"), ("grid", "real")]
    names += [(list(TASKS)[i % 3], f"method-{i // 3}") for i in range(rows - 2)]
    at = np.arange(1, EVALUATIONS + 1) * STEPS // EVALUATIONS
    (folder / "samples").mkdir(parents=True)
    tables, curves = [], []
    for task, method in names:
        fails = rng.random(SEEDS) < (0 if method == "real" else 0.5)
        own = pd.DataFrame(
            {
                **dict(schema=SCHEMA, task=task, method=method, hyperparameters="{}", seed=0),
                "replicate": np.arange(SEEDS),
                "status": np.where(fails, "collapsed", "ok"),
                "onset": np.where(fails, rng.choice(at, SEEDS), np.nan),
                **dict(reason=np.nan, success=~fails, coverage=1.0, steps_to_90=at[3]),
                **{metric: rng.random(SEEDS) for metric in METRICS},
                **dict(samples=2500, protocol_hash="p", judge_hash="j", cost_compile_s=1.0),
                **dict(cost_trace_s=1.0, cost_flops_per_step=1e6),
                "cost_ms_per_step_lane": rng.random() + 0.1,
            }
        )
        tables.append(own)
        metrics = [*METRICS, *LOGGED]
        long = pd.DataFrame(
            {
                **dict(schema=SCHEMA, task=task, method=method, hyperparameters="{}", seed=0),
                "replicate": np.repeat(np.arange(SEEDS), len(metrics) * EVALUATIONS),
                "metric": np.tile(np.repeat(metrics, EVALUATIONS), SEEDS),
                "step": np.tile(at, len(metrics) * SEEDS),
                "mean": rng.normal(size=SEEDS * len(metrics) * EVALUATIONS),
            }
        )
        curves.append(long)
        shape = (SEEDS, EVALUATIONS, 256, *TASKS[task])
        points = len(TASKS[task]) == 1
        values = rng.random(shape, np.float32)
        kept = values.astype(np.float16) if points else (255 * values).astype(np.uint8)
        cells = np.array([label(run) for run in own.to_dict("records")])
        path = folder / "samples" / f"{task}_{method}_0.npz"
        np.savez_compressed(path, cells=cells, steps=at, curve=kept)
    whole = pd.concat(tables, ignore_index=True)
    whole.to_csv(folder / "runs.csv", index=False)
    leaderboard(whole, kinds("reference")).to_csv(folder / "leaderboard.csv", index=False)
    pd.concat(curves, ignore_index=True).to_parquet(folder / "curves.parquet", index=False)
    protocols = {task: {"budget": {"steps": STEPS}} for task in TASKS}
    text = json.dumps({"schema": SCHEMA, "suite": "made-up", "protocols": protocols})
    (folder / "provenance.json").write_text(text)


MEASURED = """
import json, pathlib, sys, time
began = time.perf_counter()
from ganbench.report.page import report
path = report(pathlib.Path(sys.argv[1]))
status = pathlib.Path("/proc/self/status").read_text()
print(json.dumps({
    "seconds": time.perf_counter() - began,
    "megabytes": int(status.split("VmHWM:")[1].split()[0]) / 1e3,
    "page_megabytes": path.stat().st_size / 1e6,
}))
"""


def opened(path: Path) -> tuple[float, float]:
    """Seconds until the page has loaded, its table filled in, and until it can draw figures."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.goto("about:blank")
        began = time.perf_counter()
        page.goto(path.as_uri(), wait_until="load")
        table = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1e3
        page.wait_for_function("window.Plotly")
        figures = time.perf_counter() - began
        browser.close()
    return table, figures


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made(folder, runs)
        words = [sys.executable, "-c", MEASURED, name]
        found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        print(f"{runs:,} runs: {found['seconds']:.1f} s, {found['megabytes']:,.0f} MB at most; ")
        print(f"the page has {found['page_megabytes']:.1f} MB")
        if shutil.which("chromium"):
            table, figures = opened(folder / "report.html")
            print(f"it opens in {table:.2f} s, and can draw figures after {figures:.2f} s")


if __name__ == "__main__":
    main()
