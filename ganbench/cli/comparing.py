"""Commands for several results: compare, merge."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ganbench import shown
from ganbench.cli.printing import names, show
from ganbench.errors import BadInput
from ganbench.power import ALPHA

app = typer.Typer()


@app.command("compare")
def compare_(
    a: Annotated[Path, typer.Argument(help="A leaderboard file or a results folder.")],
    b: Annotated[Path, typer.Argument(help="Another: what has changed in it?")],
    as_json: Annotated[bool, typer.Option("--json", help="One object.")] = False,
    alpha: Annotated[float, typer.Option(help="Level of each task's verdicts.")] = ALPHA,
    force: Annotated[
        bool, typer.Option("--force", help="Compare what can be, of unlike protocols too.")
    ] = False,
    where_: Annotated[
        list[str] | None,
        typer.Option(
            "--where", help="Only rows with this value, where they have it: r1.gamma=0.01."
        ),
    ] = None,
    methods: Annotated[
        str | None, typer.Option(help="Compare rows of one method in A with another's in B: x,y.")
    ] = None,
) -> None:
    """Say what has changed from A to B; exit code 1 if a row succeeds less often."""
    from ganbench.compare import compare
    from ganbench.sides import of_methods, side, where

    wanted, pair = dict(map(_value, where_ or ())), names(methods, "--methods")
    if len(wanted) < len(where_ or ()):
        raise BadInput("--where: a hyperparameter is named twice")
    before, after = where(side(a), side(b), wanted)
    if pair is not None:
        if len(pair) != 2:
            raise BadInput(f"--methods: {methods!r} must be two names, A's and B's")
        before, after = of_methods(before, after, (pair[0], pair[1]))
    found = compare(before, after, alpha, force)
    if as_json:
        rows = json.loads(found.rows.to_json(orient="records"))
        head = {"a": str(a), "b": str(b), "alpha": alpha, "regressed": found.regressed()}
        print(json.dumps(head | {"notes": found.notes, "rows": rows}, indent=1))
    else:
        show(shown.comparison(found))
    raise typer.Exit(1 if found.regressed() else 0)


def _value(text: str) -> tuple[str, Any]:
    """The hyperparameter and the value that `--where` names."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise BadInput(f"--where: {text!r} must be NAME=VALUE, as in r1.gamma=0.01")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # of a hyperparameter that is a text


@app.command("merge")
def merge_(
    folders: Annotated[list[Path], typer.Argument(help="Results folders of one protocol.")],
    out: Annotated[Path, typer.Option(help="A new folder for all their runs.")],
) -> None:
    """Join results folders; of a run that several have, keep the one written last."""
    from ganbench.merge import merge
    from ganbench.results import read_runs

    conflicts = merge(folders, out)
    for one in conflicts:
        print(
            f"conflict: {' '.join(map(str, one.run.values()))}: {one.column} is {one.kept} in "
            f"{one.kept_from} (kept), {one.left} in {one.left_from}"
        )
    told = {0: "no conflict", 1: "1 conflict"}.get(len(conflicts), f"{len(conflicts)} conflicts")
    print(f"wrote {out}: {len(read_runs(out / 'runs.csv')):,} runs, {told}")
