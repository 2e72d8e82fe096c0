"""The table of all methods, from their docstrings, the registry and a measured leaderboard.

    python benchmarks/methods.py results/reference/zoo > docs/methods.md

The cost is each method's time per step on `ring`, relative to `nonsaturating` of the same run.
"""

import inspect
import sys
from pathlib import Path

import jax

from ganbench import registry
from ganbench.game import Optimizer, touched
from ganbench.parts import adam
from ganbench.registry import METHODS, parameters
from ganbench.results import read_runs
from ganbench.setting import Setting, plain
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import Sizes, zoo

HEAD = """# Methods

Made by `python benchmarks/methods.py {folder}` from the docstrings and the registry. A base sets
the game; modifiers wrap the slots named here; a stack is `base+modifier+...`. Cost is the time of a
step on `ring` relative to `nonsaturating`, measured in one run of the suite in that folder; a dash
is a method that the run does not hold. Traced hyperparameters may vary between lanes of one
compilation, static ones cost a compilation each.
"""

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


def costs(folder: Path) -> dict[str, float]:
    """Each method's time per step on `ring` over `nonsaturating`'s, from a results folder."""
    board = read_runs(folder / "leaderboard.csv")
    ring = board[board["task"] == "ring"].drop_duplicates("method").set_index("method")
    cost = ring["cost_ms_per_step_lane"]
    return dict(cost / cost["nonsaturating"])


def main() -> None:
    folder = Path(sys.argv[1])
    task = TASKS["ring"]()
    nets = zoo("mlp", Sizes(task.shape, 2, 8, 1))
    train = jax.numpy.asarray(task.train)
    setting = Setting(task, train, train, 8, 2, nets, Optimizer(adam(0.5, 0.999), 1e-3))
    cost = costs(folder)
    print(HEAD.format(folder=folder))
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
            f"{cost[name]:.1f}" if name in cost else "-",
            section(text, "Reference"),
        ]
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")


main()
