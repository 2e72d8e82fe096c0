"""Rows of `zoo` that do badly, beside a setting in which the same code learns.

    python benchmarks/diagnoses.py > docs/diagnoses.md

Is it the method or the code? Code that is wrong stays bad whatever its setting. What each pair says
of its method stands in the method's docstring.
"""

import sys
from functools import cache
from typing import Any

import jax

from ganbench import runtime, suite
from ganbench.compilation_cache import use_compilation_cache
from ganbench.game import Critic, Net, Params, Stabilizer
from ganbench.harness import prepared
from ganbench.plan import budget_of
from ganbench.program import Lane
from ganbench.registry import METHODS, Entry, resolve, traced_names
from ganbench.scoring import core_scores
from ganbench.tasks.catalogue import TASKS
from ganbench.wrapping import wrap_discriminators

SEED, RUNS, RATE = 101, 4, "learning_rate"  # no report's base seed


def thirtyfold() -> Stabilizer:
    """Discriminators see samples thirty times as large: a bound on their slope is then as loose."""

    def wrap(net: Net) -> Net:
        def apply(params: Params, aux: Params, *inputs: jax.Array, key=None) -> Critic:
            return net.apply(params, aux, *(30.0 * x for x in inputs), key=key)

        return net._replace(apply=apply)

    return wrap_discriminators(wrap, "thirtyfold")


# task, method, what is stacked on it, what else is changed
DIAGNOSES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("ring", "dragan", "", {"dragan.weight": 0.01}),
    ("grid", "dragan", "", {"dragan.weight": 0.01}),
    ("ring", "r1", "", {"r1.gamma": 0.01}),
    ("grid", "r1", "", {"r1.gamma": 0.01}),
    ("ring", "r2", "", {"r2.gamma": 0.01}),
    ("grid", "r2", "", {"r2.gamma": 0.01}),
    ("ring", "r1r2", "", {"r1r2.gamma": 0.01}),
    ("grid", "r1r2", "", {"r1r2.gamma": 0.01}),
    ("ring", "wgan-gp0", "", {"wgan-gp0.weight": 0.01}),
    ("grid", "wgan-gp0", "", {"wgan-gp0.weight": 0.01}),
    ("ring", "wgan-gp", "", {"wgan-gp.weight": 0.1}),
    ("grid", "wgan-gp", "", {"wgan-gp.weight": 0.1}),
    ("ring", "wgan", "", {"wgan.clip": 0.1}),
    ("ring", "consensus", "", {"consensus.gamma": 0.1}),
    ("ring", "historical-averaging", "", {"historical-averaging.weight": 0.001}),
    ("ring", "entropy-sgd", "", {"entropy-sgd.rate": 0.001}),
    ("ring", "gradient-noise", "", {"gradient-noise.eta": 1e-4}),
    ("ring", "ema", "", {"ema.decay": 0.99}),
    ("ring", "r3gan", "", {"r3gan.gamma": 0.01}),
    ("ring", "ebgan", "", {"ebgan.margin": 1.0}),
    ("ring", "ebgan", "", {"steps": 10_000}),
    ("ring", "ebgan-pt", "", {"steps": 10_000}),
    ("ring", "feature-matching", "", {"batch": 512}),
    ("ring", "feature-matching", "", {"batch": 2048}),
    ("ring", "bigan", "", {"steps": 14_000}),
    ("ring", "pacgan", "", {"steps": 10_000}),
    ("ring", "spectral-norm", "", {"steps": 10_000}),
    ("ring", "pelu", "", {"steps": 10_000}),
    ("ring", "veegan", "", {"steps": 10_000}),
    ("ring", "veegan", "", {"width": 128}),
    ("ring", "vgan", "", {RATE: 5e-4}),
    ("grid", "ali", "", {"steps": 18_000}),
    ("grid", "pacgan", "", {"steps": 18_000}),
    ("grid", "spectral-norm", "thirtyfold", {}),
    ("grid", "eve", "", {RATE: 5e-4}),
    ("grid", "lookahead", "", {"steps": 12_000}),
    ("grid", "minibatch-discrimination", "", {"steps": 12_000}),
    ("grid", "infogan", "", {"infogan.weight": 0.1}),
    ("grid", "ttur", "", {RATE: 7e-4}),
    ("grid", "nonsaturating", "", {RATE: 6e-3}),
    ("stacked-digits", "nonsaturating", "", {RATE: 1e-3, "steps": 3_000}),
    ("stacked-digits", "ali", "", {RATE: 1e-3, "steps": 3_000}),
    ("stacked-digits", "minimax", "", {RATE: 1e-3, "steps": 3_000}),
    ("stacked-digits", "egan-ent-nn", "", {RATE: 1e-3, "steps": 3_000}),
    ("stacked-digits", "bigan", "", {RATE: 1e-3, "steps": 3_000}),
    ("stacked-digits", "spectral-norm", "", {RATE: 1e-3, "steps": 3_000}),
    ("stacked-digits", "vaegan", "", {RATE: 1e-3, "steps": 3_000}),
    ("stacked-digits", "simultaneous", "", {RATE: 1e-3, "steps": 3_000}),
    ("stacked-digits", "rpgan", "", {RATE: 1e-3, "steps": 3_000}),
    ("stacked-digits", "simultaneous", "r1", {}),
    ("stacked-digits", "rpgan", "r1", {}),
    ("stacked-digits", "ragan", "r1", {}),
]

HEAD = f"""# Is it the method or the code?

Made by `python benchmarks/diagnoses.py`: methods that do badly in suite `zoo`, trained as there and
once more with one or two things changed, {RUNS} runs each on base seed {SEED}. A cell holds the
modes that each run covers at its end and, in brackets, the share of its samples of high quality in
percent. A change is no recommendation: it was looked for until the method learnt, or shows that it
does not. Code that is wrong stays bad whatever its setting. `thirtyfold` shows samples to the
discriminator thirty times as large. What follows for each method stands at the end of
`docs/methods.md`.

| task | method | with its defaults | changed | with that |
|---|---|---|---|---|"""


@cache
def zoo() -> suite.Suite:
    return suite.read(suite.find("zoo"))


@cache
def ends(name: str, method: str, *changed: tuple[str, Any]) -> str:
    """What `RUNS` runs reach: modes and, in brackets, high quality in %."""
    changes = dict(changed)
    task, table = TASKS[name](), zoo().tasks[name]
    sizes = {k: v for k, v in changes.items() if "." not in k and k != RATE}
    budget = budget_of(table, task)._replace(**sizes, evaluations=1, block=RUNS // 2)
    values = resolve(method, {k: v for k, v in changes.items() if "." in k})
    traced = {k: v for k, v in values.items() if k in traced_names(method)}
    static = {k: v for k, v in values.items() if k not in traced}
    rate = changes.get(RATE, table.learning_rate)
    lanes = [Lane(SEED, i, {**traced, RATE: rate}) for i in range(RUNS)]
    records, _ = prepared(task, method, static, lanes, budget, jax.devices())()
    scores = [core_scores(record.final, task) for record in records]
    modes, quality = ([own[m].value for own in scores] for m in ("modes", "high_quality"))
    pairs = zip(modes, quality, strict=True)
    return ", ".join(f"{n:.0f} ({100 * share:.0f})" for n, share in pairs)


def said(more: str, changes: dict[str, Any]) -> str:
    """What is stacked on a method and what else is changed, as the page says it."""
    return ", ".join([f"with `{more}`"] * bool(more) + [f"`{k}` {v:g}" for k, v in changes.items()])


def main() -> None:
    runtime.set_devices("cpu")
    use_compilation_cache()
    METHODS["thirtyfold"] = Entry(thirtyfold, "modifier")
    print(HEAD)
    for task, method, more, changes in DIAGNOSES:
        changed = ends(task, f"{method}+{more}" if more else method, *changes.items())
        cells = f"`{method}`", ends(task, method), said(more, changes), changed
        print("|", task, "|", " | ".join(cells), "|", flush=True)
        print(task, *cells, file=sys.stderr)


if __name__ == "__main__":
    main()
