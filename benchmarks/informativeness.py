"""The page that says of every method whether its loss tells how good its samples are.

    ganbench informativeness results/scrutiny --json > benchmarks/informativeness.json
    python benchmarks/informativeness.py > docs/informativeness.md

The first reads the curves of suite `scrutiny`, whose every method has trained.
"""

import json
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).with_name("informativeness.json")

HEAD = """# Does the loss say how good the samples are?

Made by `python benchmarks/informativeness.py` from what `ganbench informativeness results/scrutiny`
found in the curves of suite `scrutiny` (two tasks, every method, eight seeds, 25 evaluations each).

Wasserstein GANs were published with the claim that the critic's loss goes with the quality of the
samples, as the losses before did not (Arjovsky, Chintala, Bottou, ICML 2017, arXiv 1701.07875,
section 4.2; there by eye). Here it is a number: Spearman's rank correlation over a run's
evaluations between the value of the discriminators, minus the sum of their losses, and the Frechet
distance. 1: the value falls whenever the samples get better; 0: it says nothing; -1: it rises then.
Means over runs with Student's t interval, n, and the share of runs above 0.5. Evaluations of one
run follow each other, so a single run's correlation proves little; penalties are part of a loss;
and where a generator hardly changes after its first steps, there is little to go with.
"""


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table: what differs from the defaults is left to the hyperparameters' text."""
    values = json.loads(row["hyperparameters"])
    values.pop("learning_rate")
    own = ", ".join(f"{name} {value}" for name, value in values.items())
    if not row["n"]:
        return f"`{row['method']}`", own, "-", "0", "-", row["note"]
    mean, low, high = (row[name] for name in ("mean", "low", "high"))
    between = "" if low is None else f" [{low:.2f}, {high:.2f}]"
    return (
        *(f"`{row['method']}`", own, f"{mean:.2f}{between}", str(row["n"])),
        *(f"{row['informative']:.2f}", row["note"]),
    )


def main() -> None:
    rows = json.loads(MEASURED.read_text())
    print(HEAD)
    for task in dict.fromkeys(row["task"] for row in rows):
        print(f"## {task}\n")
        print("| method | hyperparameters | correlation [95 %] | n | above 0.5 | without one |")
        print("|---|---|---|---|---|---|")
        for row in rows:
            if row["task"] == task:
                print("| " + " | ".join(cells(row)) + " |")
        print()


main()
