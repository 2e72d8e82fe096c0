"""Commands for several results: compare, merge."""

import json
from pathlib import Path
from typing import Annotated

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
    methods: Annotated[
        str | None, typer.Option(help="Compare rows of one method in A with another's in B: x,y.")
    ] = None,
) -> None:
    """Say what has changed from A to B; exit code 1 if a row succeeds less often."""
    from ganbench.compare import compare
    from ganbench.sides import of_method, side

    before, after, pair = side(a), side(b), names(methods, "--methods")
    if pair is not None:
        if len(pair) != 2:
            raise BadInput(f"--methods: {methods!r} must be two names, A's and B's")
        called = f"{pair[0]} to {pair[1]}"
        before, after = of_method(before, pair[0], called), of_method(after, pair[1], called)
    found = compare(before, after, alpha, force)
    if as_json:
        rows = json.loads(found.rows.to_json(orient="records"))
        head = {"a": str(a), "b": str(b), "alpha": alpha, "regressed": found.regressed()}
        print(json.dumps(head | {"notes": found.notes, "rows": rows}, indent=1))
    else:
        show(shown.comparison(found))
    raise typer.Exit(1 if found.regressed() else 0)


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
