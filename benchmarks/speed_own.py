"""How fast the harness trains one net: answers JSON, a line for each line that it reads.

    python benchmarks/speed_own.py '{"task": "ring", "nets": "mlp", "batch": 64, ...}'

The rest of a case: `width`, `depth`, `latent`, `lanes` (a list) and `devices`. The first line says
what compiling cost, cold and from the cache, and what a step of a lane computes. Then a line
"LANES" asks for one training of so many lanes, evaluations and all; "overhead" for how much longer
its steps take, at 16 lanes, than as nothing but a jitted scan; "ceiling" for a large product of
matrices on all devices.
`speed.py` runs it.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import jax
import numpy as np

from ganbench import harness, runtime
from ganbench.assembly import assemble
from ganbench.budget import Budget, setting_of
from ganbench.compilation_cache import use_compilation_cache
from ganbench.program import Lane, compile_group, lane_arguments
from ganbench.registry import make
from ganbench.shared import on_device
from ganbench.tasks.catalogue import TASKS

METHOD, RATE = "nonsaturating", 1e-3
BETWEEN = 300  # steps between two evaluations, as in the suite mode-collapse
SECONDS = 2.0  # that a training of few lanes takes at least
SIDE = 2048  # of the matrices whose product is the ceiling
BARE_LANES = 16
PAIRS = 5  # of a training and a bare scan, for one overhead


class Case:
    """One net on this process's devices; programs stay compiled between measurements."""

    def __init__(self, given: dict[str, Any]):
        self.given, self.devices = given, jax.devices()
        self.task = TASKS[given["task"]]()
        self.trainers: dict[tuple[int, int], Callable] = {}
        self.evaluations: dict[int, int] = {}

    def budget(self, lanes: int, evaluations: int) -> Budget:
        """Blocks of 8, or as many as give each device one."""
        own = {k: self.given[k] for k in ("nets", "width", "depth", "latent", "batch")}
        return Budget(
            **own,
            optimizer="adam",
            b1=0.5,
            b2=0.999,
            steps=BETWEEN * evaluations,
            evaluations=evaluations,
            curve_samples=2500,
            final_samples=2500,
            block=min(8, max(1, lanes // len(self.devices))),
        )

    def prepared(self, lanes: int, evaluations: int) -> Callable:
        key = lanes, evaluations
        if key not in self.trainers:
            each = [Lane(0, i, {"learning_rate": RATE}) for i in range(lanes)]
            budget = self.budget(*key)
            made = harness.prepared(self.task, METHOD, {}, each, budget, self.devices)
            self.trainers[key] = made
        return self.trainers[key]

    def compiled(self) -> dict[str, float]:
        """Seconds to trace, and in XLA, cold and from its cache; operations of a lane's step."""
        lane, budget = Lane(0, 0, {"learning_rate": RATE}), self.budget(BARE_LANES, 2)
        made = []
        for _ in range(2):
            jax.clear_caches()  # what is left is on disk
            made.append(compile_group(self.task, METHOD, {}, lane, budget, self.devices))
        by_xla = made[0].programs[0].advance.cost_analysis()["flops"]
        return {
            "trace_s": made[0].trace_s,
            "xla_cold_s": made[0].compile_s,
            "xla_cached_s": made[1].compile_s,
            "flops": made[0].flops_per_step,
            "flops_by_xla": by_xla / budget.block,  # its analysis counts a loop's body once
        }

    def trained(self, lanes: int) -> dict[str, float]:
        """Of one training: seed-steps a second, the share of evaluations, and of idle cores."""
        if lanes not in self.evaluations:
            self.prepared(lanes, 2)()  # the first is slower
            begun = time.perf_counter()
            self.prepared(lanes, 2)()
            taken = time.perf_counter() - begun
            self.evaluations[lanes] = max(2, round(2 * SECONDS / taken))
        evaluations = self.evaluations[lanes]
        train = self.prepared(lanes, evaluations)
        scored, inside = harness._scored, 0.0

        def timed(*of: Any) -> Any:
            nonlocal inside
            clock = time.perf_counter()
            made = scored(*of)
            inside += time.perf_counter() - clock
            return made

        harness._scored = timed
        begun, cpu = time.perf_counter(), time.process_time()
        train()
        wall, busy = time.perf_counter() - begun, time.process_time() - cpu
        harness._scored = scored
        steps = BETWEEN * evaluations
        return {
            "rate": lanes * steps / wall,
            "evaluation": inside / wall,
            "idle": max(0.0, 1 - busy / wall / min(len(self.devices), runtime.cores())),
            "ms_per_step": 1e3 * (wall - inside) / steps,
        }

    def bare(self) -> Callable[[], float]:
        """Milliseconds a step of a `scan` of the method's own, vmapped and jitted: no harness."""
        budget = self.budget(BARE_LANES, 2)

        def advance(lane: dict, shared: Any, state: Any) -> Any:
            setting = setting_of(self.task, lane["values"], budget, shared)
            method = make(METHOD, lane["values"], setting, assemble)
            key = jax.random.wrap_key_data(lane["train"])

            def one(state: Any, t: jax.Array) -> Any:
                return method.step(state, jax.random.fold_in(key, t), t)

            return jax.lax.scan(one, state, jax.numpy.arange(BETWEEN))

        runs, waves = [], max(1, BARE_LANES // (budget.block * len(self.devices)))
        each = [Lane(0, i, {"learning_rate": RATE}) for i in range(budget.block)]
        programs = compile_group(self.task, METHOD, {}, each[0], budget, self.devices).programs
        for program in programs:
            lanes = jax.device_put(lane_arguments(self.task, each), program.device)
            shared = on_device(self.task, program.device)
            given = lanes, shared, program.start(lanes, shared).state
            lowered = jax.jit(jax.vmap(advance, in_axes=(0, None, 0))).lower(*given)
            options = runtime.compiler_options(program.device)
            runs.append((lowered.compile(compiler_options=options), given))

        def once() -> float:
            begun = time.perf_counter()
            for _ in range(2 * waves):
                jax.block_until_ready([run(*given) for run, given in runs])
            return 1e3 * (time.perf_counter() - begun) / (2 * BETWEEN)

        once()
        return once

    def overhead(self) -> Callable[[], dict[str, float]]:
        """What the harness adds to a bare scan, of its time: the median of pairs."""
        bare = self.bare()

        def harnessed() -> float:
            return self.trained(BARE_LANES)["ms_per_step"]

        def once() -> dict[str, float]:
            more = []
            for i in range(PAIRS):
                ways = (harnessed, bare) if i % 2 else (bare, harnessed)
                taken = {way: way() for way in ways}
                more.append(taken[harnessed] / taken[bare] - 1)
            return {"overhead": median(more)}

        return once

    def ceiling(self) -> Callable[[], dict[str, float]]:
        """Operations a second of single-precision products, one on each device at a time."""
        square = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32)
        product = jax.jit(lambda x: x @ x)
        given = [jax.device_put(square, device) for device in self.devices]

        def once() -> dict[str, float]:
            best = float("inf")
            for _ in range(4):
                begun = time.perf_counter()
                jax.block_until_ready([product(x) for x in given])
                best = min(best, time.perf_counter() - begun)
            return {"flops_per_s": 2 * SIDE**3 * len(given) / best}

        once()
        return once


def main() -> None:
    given = json.loads(sys.argv[1])
    runtime.set_devices(f"cpu:{given['devices']}")
    with tempfile.TemporaryDirectory() as folder:
        jax.config.update("jax_compilation_cache_dir", folder)
        use_compilation_cache()
        case = Case(given)
        print(json.dumps(case.compiled()), flush=True)
        asked: dict[str, Callable[[], dict[str, float]]] = {}
        for line in map(str.strip, sys.stdin):
            if line not in asked:
                asked[line] = (
                    (lambda n=int(line): case.trained(n))
                    if line.isdecimal()
                    else {"overhead": case.overhead, "ceiling": case.ceiling}[line]()
                )
            print(json.dumps(asked[line]()), flush=True)


main()
