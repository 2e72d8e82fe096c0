"""Speed of the harness beside a PyTorch loop and the machine's ceiling, measured in turns.

    python benchmarks/speed.py [--rounds N] [--out FOLDER]      # make perf

Writes `speed.csv`, a row for each net, batch and number of lanes, and `speed_devices.csv`, for
numbers of devices, into FOLDER (`benchmarks` by default), all at the end. It needs `ganbench[perf]`
and a quiet machine. A round measures everything of one net once, so that a machine that gets slower
slows all; ratios are of one round, and their median over the rounds is written, with the least and
the largest of the main one. PyTorch's best single process is that of the settings (threads, Adam)
that is fastest over all rounds. Compiled losses are measured once, before the rounds: they take
long to warm.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from ganbench.runtime import cores

HERE = Path(__file__).parent
RING = {"task": "ring", "nets": "mlp", "width": 128, "depth": 2, "latent": 2}
DIGITS = {"task": "digits", "width": 16, "latent": 16, "batch": 64}
CASES: list[dict[str, Any]] = [
    *({**RING, "batch": batch} for batch in (64, 128, 256, 512)),
    {**DIGITS, "nets": "conv", "depth": 1},
    {**DIGITS, "nets": "dcgan", "depth": 2},
]
LANES = (1, 4, 16, 64)
MAIN = 16  # lanes that targets are for
SCALED, SCALED_LANES = CASES[1], 32  # what is trained on more or fewer devices
WARM_S = 9.0  # that processes which begin together are given to get ready

Rates = dict[str, float]


class Own:
    """`speed_own.py` in a process of its own, which keeps what it has compiled."""

    def __init__(self, case: dict[str, Any], devices: int, on: int | None = None):
        given = {k: v for k, v in case.items() if k != "lanes"} | {"devices": devices}
        command = [sys.executable, str(HERE / "speed_own.py"), json.dumps(given)]
        bound = None if on is None else lambda: os.sched_setaffinity(0, {on})
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, preexec_fn=bound, **pipes)
        self.compiled = self._answer()

    def _answer(self) -> Rates:
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            sys.exit("speed: speed_own.py ended early; its own message is above")
        return json.loads(line)

    def ask(self, what: object) -> Rates:
        print(what, file=self.process.stdin, flush=True)
        return self._answer()

    def end(self) -> None:
        self.process.stdin.close()  # type: ignore[union-attr]
        self.process.wait()


def peers(case: dict[str, Any], several: int = 1, **given: Any) -> float:
    """Seed-steps a second of `several` PyTorch processes at a time, all of them together."""
    own = {k: case[k] for k in ("nets", "width", "depth", "latent", "batch")} | given
    if several > 1:
        own["at"] = time.time() + WARM_S
    command = [sys.executable, str(HERE / "peer_torch.py"), json.dumps(own)]
    pipes: Any = {"stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in range(several)]
    said = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        sys.exit("speed: peer_torch.py failed; its own message is above")
    return sum(json.loads(text)["rate"] for text in said)


def of_case(case: dict[str, Any], rounds: int) -> list[Rates]:
    """The case's rows."""
    n = cores()
    threads = sorted({1, n})
    own = Own(case, n)
    compiled = max(peers(case, threads=t, compiled=True, fused=True) for t in threads)
    for lanes in LANES:  # what is slower the first time
        own.ask(lanes)
    seen: dict[Any, list[Any]] = {}
    for _ in range(rounds):
        for what in (*LANES, "overhead", "ceiling"):
            seen.setdefault(what, []).append(own.ask(what))
        for fused in (False, True):
            for t in threads:
                seen.setdefault((fused, t), []).append(peers(case, threads=t, fused=fused))
        seen.setdefault("per core", []).append(peers(case, n, fused=True))
        seen.setdefault("stacked", []).append(peers(case, n, fused=True, lanes=max(1, MAIN // n)))
    own.end()
    stock, best = (
        max(((f, t) for f in kinds for t in threads), key=lambda way: median(seen[way]))
        for kinds in ((False,), (False, True))
    )

    def ratio(lanes: int, to: list[float]) -> list[float]:
        return [a["rate"] / b for a, b in zip(seen[lanes], to, strict=True)]

    rows = []
    for lanes in LANES:
        over = ratio(lanes, seen[best])
        each = [x["rate"] * own.compiled["flops"] for x in seen[lanes]]
        limits = [x["flops_per_s"] for x in seen["ceiling"]]
        rows.append(
            {
                "nets": case["nets"],
                "batch": case["batch"],
                "lanes": lanes,
                "rate": median(x["rate"] for x in seen[lanes]),
                "over_eager": median(over),
                "over_eager_low": min(over),
                "over_eager_high": max(over),
                "over_stock": median(ratio(lanes, seen[stock])),
                "over_compiled": median(ratio(lanes, rounds * [compiled])),
                "over_per_core": median(ratio(lanes, seen["per core"])),
                "over_stacked": median(ratio(lanes, seen["stacked"])),
                "eager": median(seen[best]),
                "eager_threads": best[1],
                "of_ceiling": median(a / b for a, b in zip(each, limits, strict=True)),
                "ceiling": median(limits) / 1e9,
                "overhead": median(x["overhead"] for x in seen["overhead"])
                if lanes == MAIN
                else None,
                "evaluation": median(x["evaluation"] for x in seen[lanes]),
                "idle": median(x["idle"] for x in seen[lanes]),
                "mflop": own.compiled["flops"] / 1e6,
                "mflop_by_xla": own.compiled["flops_by_xla"] / 1e6,
                **{k: own.compiled[k] for k in ("trace_s", "xla_cold_s", "xla_cached_s")},
            }
        )
    return rows


def of_devices(rounds: int) -> list[Rates]:
    """One device on one core, a device a core, and twice as many."""
    n = cores()
    core = min(os.sched_getaffinity(0))
    each = {1: Own(SCALED, 1, core), n: Own(SCALED, n), 2 * n: Own(SCALED, 2 * n)}
    for own in each.values():
        own.ask(SCALED_LANES)
    seen = [{d: own.ask(SCALED_LANES)["rate"] for d, own in each.items()} for _ in range(rounds)]
    for own in each.values():
        own.end()
    own = {k: SCALED[k] for k in ("nets", "batch")} | {"lanes": SCALED_LANES, "cores": n}
    return [
        {**own, "devices": d, "over_one": median(x[d] / x[1] for x in seen)}
        | {"over_cores": median(x[d] / x[n] for x in seen)}
        for d in each
    ]


def write(path: Path, rows: list[Rates]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for row in rows:
            short = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow(short)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures speed.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    rows = []
    for case in CASES:
        rows += of_case(case, given.rounds)
        for row in rows[-len(LANES) :]:
            print(*(f"{k}={row[k]:.3g}" for k in SHOWN), row["nets"], flush=True)
    devices = of_devices(given.rounds)
    given.out.mkdir(parents=True, exist_ok=True)
    write(given.out / "speed.csv", rows)
    write(given.out / "speed_devices.csv", devices)


SHOWN = ("batch", "lanes", "rate", "over_eager", "over_per_core", "over_stacked", "of_ceiling")

if __name__ == "__main__":
    main()
