"""The table of all methods, from their docstrings, the registry and the costs measured.

    python benchmarks/methods.py > docs/methods.md

The costs come from `benchmarks/costs.csv`, which `costs.py` makes.
"""

import csv
import inspect
import sys
from pathlib import Path

import jax

from ganbench import registry, suite
from ganbench.game import Optimizer, touched
from ganbench.parts import adam
from ganbench.registry import METHODS, parameters
from ganbench.setting import Setting, plain
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import Sizes, zoo

HEAD = """# Methods

Made by `python benchmarks/methods.py` from the docstrings and the registry. A base sets the game;
modifiers wrap the slots named here; a stack is `base+modifier+...`. Cost is the time of a step on
the ring of suite `zoo` relative to `nonsaturating`, measured side by side on a CPU of two cores by
`python benchmarks/costs.py`, with the quartiles over its rounds (how far `nonsaturating` is from 1
says how good the measurement is); a dash is a method that the suite does not hold. Traced
hyperparameters may vary between lanes of one compilation, static ones cost a compilation each.
"""

FOUND = "In the suites"
POOR = """
## Where a method does badly in the suites, and why

Every method of which a run diverges in `zoo`, or which covers less than two thirds of the modes
that `nonsaturating` does on one of its tasks, and some that do little better. Looked at before it
was believed: `docs/diagnoses.md` has the runs. Each trains with its defaults, which are for other
tasks, and with the task's nets, batch, optimizer and rate.
"""

COSTS = Path(__file__).parent / "costs.csv"
SHOWN = ("cost", "low", "high")
COLUMNS = (
    *("method", "kind", "slots", "what it does", "formula", "defaults and their source", "cost"),
    "reference",
)


def section(text: str, heading: str) -> str:
    """What stands under `heading:` in a docstring, as one line."""
    lines = text.split(f"{heading}:\n", 1)[1].splitlines()
    kept = []
    for line in lines:
        if line and not line.startswith(" "):
            break
        kept.append(line.strip())
    return " ".join(kept).strip()


def defaults(name: str, text: str) -> str:
    """Each hyperparameter's default with what the docstring says of it and of where it is from."""
    arguments = section(text, "Args")
    starts = {p.name: arguments.index(f"{p.name}: ") for p in parameters(name)}
    made = []
    for p in parameters(name):
        after = [at for at in starts.values() if at > starts[p.name]]
        said = arguments[starts[p.name] : min(after, default=len(arguments))]
        made.append(f"`{p.name} = {p.default}`: {said.split(': ', 1)[1].strip()}")
    return "<br>".join(made) or "none"


def slots(name: str, setting: Setting) -> str:
    """The recipe's slots that a registered stabilizer replaces or wraps."""
    entry = METHODS[name]
    own = {p.name: p.default for p in parameters(name)}
    on_plain = entry.kind == "base"
    before = plain(setting) if on_plain else registry.recipe("nonsaturating", {}, setting)
    return ", ".join(k for k in touched(entry.factory(**own), before) if k != "zoo")


def _spread(middle: str, low: str, high: str) -> str:
    return f"{float(middle):.1f} ({float(low):.1f} to {float(high):.1f})"


def costs() -> dict[str, str]:
    """Each method's time per step over `nonsaturating`'s, as `costs.py` measured it."""
    with COSTS.open() as file:
        made = {row["method"]: _spread(*(row[k] for k in SHOWN)) for row in csv.DictReader(file)}
    missing = {entry.name for entry in suite.read(suite.find("zoo")).methods} - set(made)
    if missing:
        sys.exit(f"{COSTS}: no cost of {', '.join(sorted(missing))}; make it with costs.py")
    return made


def main() -> None:
    task = TASKS["ring"]()
    nets = zoo("mlp", Sizes(task.shape, 2, 8, 1))
    train = jax.numpy.asarray(task.train)
    setting = Setting(task, train, train, 8, 2, 100, nets, Optimizer(adam(0.5, 0.999), 1e-3))
    cost = costs()
    print(HEAD)
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    for name, entry in METHODS.items():
        if entry.kind not in ("base", "modifier"):
            continue
        text = inspect.getdoc(entry.factory) or ""
        cells = [
            f"`{name}`",
            entry.kind,
            slots(name, setting),
            text.splitlines()[0],
            section(text, "Formula"),
            defaults(name, text),
            cost.get(name, "-"),
            section(text, "Reference"),
        ]
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    print(POOR)
    for name, entry in METHODS.items():
        text = inspect.getdoc(entry.factory) or ""
        if f"\n{FOUND}:\n" in text:
            print(f"- `{name}`: {section(text, FOUND)}")


main()
