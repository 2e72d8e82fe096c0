"""The reference of suite files, from the schema that reads them.

    python benchmarks/suite_format.py > docs/suite-format.md

The example at its head is read as a suite before it is printed.
"""

import inspect
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganbench import suite
from ganbench.axes import LIMIT, BoxTable, Range
from ganbench.budget import Budget
from ganbench.schema import (
    ClaimTable,
    KeepTable,
    MethodTable,
    OutcomeTable,
    PublishedTable,
    RowTable,
    Suite,
    TaskTable,
)

EXAMPLE = """name = "my-suite"
summary = "Does R1 keep more of the ring's modes than no penalty?"

[outcome]
divergence_rms = 1000.0
learned_coverage = 0.5
learned_quality = 0.5
saturated_gradient = 1e-4
saturated_coverage = 0.9
collapsed_coverage = 0.5
oscillation_jaccard = 0.2
success_coverage = 0.9
success_quality = 0.5

[tasks.ring]
seeds = 8
steps = 3000
evaluations = 20
batch = 64
latent = 2
learning_rate = 2e-3
b1 = 0.5
b2 = 0.999
nets = "mlp"
width = 32
depth = 2

[[methods]]
name = "nonsaturating"
source = "Goodfellow et al., arXiv 1406.2661"

[[methods]]
name = "r1"
source = "Mescheder et al., arXiv 1801.04406"
"""

HEAD = """# Suite format

Made by `python benchmarks/suite_format.py` from the schema that reads suite files
(`ganbench/schema.py`, `ganbench/axes.py`). A suite is a TOML file; `docs/suites.md` shows what
boxes, claims and published figures are for. This is a whole one, with no key that could be left
out:

```toml
{example}```

`ganbench run my-suite.toml` trains it into `results/my-suite`. `--seeds`, `--seed`, `--steps`,
`--methods` and `--tasks` change a suite from the command line.

A key that is unknown, missing or out of range is refused in one line that names file, key and what
is allowed. Whole numbers are below 2^31, no number is infinite or nan, and a whole number may stand
where a number is asked for. A dash is a key that may be left out and then has no value.

Results compare under one protocol. Of a suite file these belong to it: `scores`, `outcome`, and of
each task all keys but {apart}.
"""

FULL = """
## `[full]`

The file's keys over again: what the setting nearest to the paper's has otherwise, for `ganbench
reproduce NAME --full`. Tables are joined key by key; a list replaces the list. Both settings are
checked, whichever is trained.
"""

#: Every table that a file may hold, with its heading and the types that it describes.
SECTIONS: dict[str, Any] = {
    "The top of the file": Suite,
    "`[outcome]`": OutcomeTable,
    "`[tasks.NAME]`": TaskTable,
    "`[tasks.NAME.box]`": BoxTable,
    "Ranges": Range,
    "`[[methods]]`": MethodTable,
    "`[keep]`": KeepTable,
    "`[[published]]`": PublishedTable,
    "`[[claims]]`": ClaimTable,
    "Rows of a claim": RowTable,
}
COLUMNS = ("key", "is", "allowed", "default", "means")
KINDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "object": "table",
}
PATTERNS = {
    "^[a-z0-9][a-z0-9-]*$": "small letters, digits, `-`",
    r"^[^|\n\r]+$": "one line, no vertical bar",
}
ANCHORS = {
    "OutcomeTable": "[table](#outcome)",
    "KeepTable": "[table](#keep)",
    "BoxTable": "[table](#tasksnamebox)",
    "TaskTable": "[tables](#tasksname)",
    "MethodTable": "[tables](#methods)",
    "PublishedTable": "[tables](#published)",
    "ClaimTable": "[tables](#claims)",
    "RowTable": "[rows](#rows-of-a-claim)",
    "Range": "[range](#ranges)",
    "DroppedRange": "[range](#ranges)",
}


def branches(made: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a key may be, null apart: that is a key left out."""
    return [branch for branch in made.get("anyOf", [made]) if branch.get("type") != "null"]


def kind(made: Mapping[str, Any]) -> str:
    """What a value is, in words."""
    if "$ref" in made:
        return ANCHORS[made["$ref"].rsplit("/", 1)[1]]
    if "enum" in made:
        return " or ".join(f"`{value}`" for value in made["enum"])
    if made["type"] == "array":
        inner = kind(made["items"])
        return inner if "$ref" in made["items"] else f"list: {inner}"
    within = made.get("additionalProperties")
    if isinstance(within, Mapping):  # a table of any names
        return kind(within) if "$ref" in within else f"table: {kind(within)}"
    return KINDS[made["type"]]


def allowed(made: Mapping[str, Any]) -> Iterator[str]:
    """Its bounds, in words."""
    own = {k: x for k, x in made.items() if not (k == "exclusiveMaximum" and x == LIMIT)}
    if "maximum" in own:
        yield f"{own['minimum']:,} to {own['maximum']:,}"
    elif "minimum" in own:
        yield f"at least {own['minimum']}"
    if "exclusiveMinimum" in own:
        yield f"above {own['exclusiveMinimum']}"
    if "exclusiveMaximum" in own:
        yield f"below {own['exclusiveMaximum']}"
    if "pattern" in own:
        yield PATTERNS[own["pattern"]]
    for inner in (own.get("items"), own.get("additionalProperties")):
        if isinstance(inner, Mapping):
            yield from allowed(inner)
    if own.get("minItems") or own.get("minProperties"):
        yield "one or more"


def default(made: Mapping[str, Any], required: bool) -> str:
    """What a key that is left out stands for."""
    if required:
        return "required"
    value = made.get("default")
    if value in (None, "", [], {}) or isinstance(value, Mapping):
        return "-"
    return f"`{str(value).lower()}`"


def rows(model: Any) -> Iterator[tuple[str, ...]]:
    """A line a key."""
    schema = model.model_json_schema()
    for key, made in schema["properties"].items():
        if not (means := model.model_fields[key].description):
            sys.exit(f"{model.__name__}.{key}: no description")
        kinds = branches(made)
        bounds = dict.fromkeys(bound for branch in kinds for bound in allowed(branch))
        yield (
            f"`{key}`",
            " or ".join(dict.fromkeys(map(kind, kinds))),
            ", ".join(bounds),
            default(made, key in schema.get("required", ())),
            means,
        )


def section(heading: str, model: Any) -> Iterator[str]:
    """A table's heading, what its docstring says beside, and its keys."""
    yield f"\n## {heading}\n"
    told = " ".join((inspect.getdoc(model) or "").split())
    if heading.startswith("`"):
        told = told.removeprefix(f"{heading}: ")
        told = told[0].upper() + told[1:]
    if model is not Suite:
        yield f"{told}\n"
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    for row in rows(model):
        yield f"| {' | '.join(row)} |"


def checked(example: str) -> str:
    """`example`, once it has been read as a suite."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my-suite.toml"
        path.write_text(example)
        suite.read(path)
    return example


def main() -> None:
    missing = set(Suite.model_json_schema()["$defs"]) - set(ANCHORS)
    if missing:
        sys.exit(f"no section for {', '.join(sorted(missing))}")
    apart = sorted(set(TaskTable.model_fields) - set(Budget._fields) - {"box"})
    told = " and ".join(f"`{key}`" for key in apart)
    print(HEAD.format(example=checked(EXAMPLE), apart=told), end="")
    for heading, model in SECTIONS.items():
        print("\n".join(section(heading, model)))
    print(FULL, end="")


main()
