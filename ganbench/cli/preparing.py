"""Commands for what training needs: judges and image sets."""

import json
from pathlib import Path
from typing import Annotated

import typer

judges = typer.Typer(no_args_is_help=True, help="Judges: the classifiers that name modes.")
sets = typer.Typer(no_args_is_help=True, help="Image sets, by tensorflow-datasets.")


@judges.command("train")
def judge_train(
    name: Annotated[str, typer.Argument(help="A judge's name.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write it [build/judges, or where it is looked for]."),
    ] = None,
) -> None:
    """Remake a judge's weights and say how far they agree with the committed ones."""
    from ganbench.judges.remake import remake

    remake(name, out, print)


@judges.command("check")
def judge_check(
    name: Annotated[str, typer.Argument(help="A judge's name.")],
    weights: Annotated[Path, typer.Option(help="Its weight file.")],
) -> None:
    """Read a weight file that a judge needs and say what it holds."""
    from ganbench.judges.check import check

    check(name, weights, print)


@sets.command("list")
def data_list(
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
) -> None:
    """List the image sets: which are ready and where, and why others are not."""
    from ganbench.tasks.prepared import listed

    rows = listed()
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        part = f"  ({row['part']})" if row["part"] else ""
        found = f"ready  {row['where']}{part}" if row["ready"] else f"-      {row['reason']}"
        print(f"{row['name']:<{width}}  {found}")


@sets.command("prepare")
def data_prepare(name: Annotated[str, typer.Argument(help="An image set's name.")]) -> None:
    """Download an image set and write it where it can be read without TensorFlow."""
    from ganbench.tasks.prepared import prepare

    print(f"ready  {prepare(name)}")
