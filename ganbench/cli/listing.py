"""Commands that need no results: list, power."""

import json
from typing import Annotated

import typer

from ganbench import catalogue
from ganbench.cli.plugging import Plugins, add
from ganbench.errors import BadInput, choices
from ganbench.plugins import OURS

app = typer.Typer()


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help=f"One of {choices(catalogue.LISTS)}.")],
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
    plugin: Plugins = None,
) -> None:
    """List what there is, and where it comes from."""
    if what not in catalogue.LISTS:
        raise BadInput(f"list: {what!r} is none of {choices(catalogue.LISTS)}")
    add(plugin)
    rows = catalogue.listed(what)
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        origin = "" if row["from"] == OURS else f"  [{row['from']}]"
        print(f"{row['name']:<{width}}  {row['summary']}{origin}")


@app.command("power")
def power_(
    rate_a: Annotated[float, typer.Option(help="A success rate, 0 to 1.")],
    rate_b: Annotated[float, typer.Option(help="Another.")],
    seeds: Annotated[int | None, typer.Option(help="Seeds a side [5 to 100].")] = None,
    alpha: Annotated[float, typer.Option(help="Level of the two-sided test.")] = 0.05,
    as_json: Annotated[bool, typer.Option("--json", help="One object.")] = False,
) -> None:
    """How many seeds tell two success rates apart, by Fisher's exact test."""
    from ganbench.power import MOST_SEEDS, TARGET, power, seeds_needed

    needed = seeds_needed(rate_a, rate_b, alpha)
    sizes = (5, 10, 20, 50, 100) if seeds is None else (seeds,)
    found = {n: power(rate_a, rate_b, n, alpha) for n in sizes}
    if as_json:
        made = {"rate_a": rate_a, "rate_b": rate_b, "alpha": alpha, "target": TARGET}
        print(json.dumps(made | {"seeds_needed": needed, "power": found}, indent=1))
        return
    print(f"{rate_a:g} against {rate_b:g}, Fisher's exact test, two-sided at {alpha:g}:")
    for n, likely in found.items():
        print(f"{n:>7,} seeds a side  power {likely:.2f}")
    if needed is None:
        print(f"power of at least {TARGET:.0%}: more than {MOST_SEEDS:,} seeds a side")
    else:
        print(f"power of at least {TARGET:.0%}: from {needed} seeds a side on")
