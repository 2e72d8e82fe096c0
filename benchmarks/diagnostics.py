"""The page of diagnostics, from the comments that document them and from their measured costs.

    python benchmarks/diagnostics.py > docs/diagnostics.md

The costs come from `benchmarks/diagnostics.csv`, which `diagnostic_costs.py` makes.
"""

import csv
import re
import sys
from pathlib import Path

from ganbench.diagnostics.catalogue import DIAGNOSTICS

COSTS = Path(__file__).with_name("diagnostics.csv")
SOURCES = Path(__file__).parents[1] / "ganbench" / "diagnostics"

HEAD = """# Diagnostics: what is measured inside a game

Made by `python benchmarks/diagnostics.py` from the comments in `ganbench/diagnostics/`. A suite
asks for them by name, with how many times each is measured during a training, spread evenly over
its evaluations, the last one among them:

```toml
[diagnostics]
spectrum = 5
overfit = 25
```

They stand in `curves.parquet` as `diagnostic/quantity`. Each is a program of its own that runs
between two chunks of training, for all lanes of a block at once, on a batch and noise that stay the
same; it changes no result, and a suite without any trains exactly the program that it did before.
They look inside the game that a method plays, so reference rows have none; of a method that plays
several (`gap`) they are means over its pairs. Gradient and update norms of each player
(`grad_norm/g`, `update_norm/d`, ...) need no asking: every run logs them at every step, and the
curves hold mean, least and largest between two evaluations.

Asking is no part of the protocol: runs that a folder has already are not trained again for it, so
give another `--out`. `cost_compile_s` and `cost_trace_s` are with the diagnostics' own programs.

Two more need nothing measured: `ganbench informativeness FOLDER` says of each row whether its
discriminator's loss tells how good its samples are (`docs/informativeness.md`), and
`ganbench gam2 FOLDER` lets every generator meet every other row's discriminator.
"""

COST = """
## What they cost

One measurement of a block of lanes of `nonsaturating` on the ring of suite `zoo`, in training steps
of the same block: the median of alternating rounds and their quartiles, on a CPU of two cores
(`python benchmarks/diagnostic_costs.py`).

| diagnostic | steps that one measurement takes | rounds |
|---|---|---|"""


def described(name: str) -> str:
    """The comment above a diagnostic: its documentation, as paragraphs."""
    text = (SOURCES / f"{name}.py").read_text()
    found = re.search(rf"((?:^#:.*\n)+){name} = Diagnostic", text, re.M)
    if not found:
        sys.exit(f"{SOURCES / name}.py: no comment #: above {name}")
    lines = [line.removeprefix("#:").strip() for line in found[1].splitlines()]
    return "\n".join(lines)


def main() -> None:
    with COSTS.open() as file:
        costs = {row["diagnostic"]: row for row in csv.DictReader(file)}
    if set(costs) != set(DIAGNOSTICS):
        sys.exit(f"{COSTS.name}: not the diagnostics there are; make it with diagnostic_costs.py")
    print(HEAD)
    for name, diagnostic in DIAGNOSTICS.items():
        print(f"## `{name}`: {diagnostic.summary}\n\n{described(name)}\n")
    print(COST)
    for name, row in costs.items():
        middle, low, high = (f"{float(row[key]):,.0f}" for key in ("steps", "low", "high"))
        print(f"| `{name}` | {middle} ({low} to {high}) | {row['rounds']} |")


main()
