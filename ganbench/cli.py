"""The command line. The only place that prints."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table
from typer.exceptions import Abort, TyperException

from ganbench import catalogue, runtime
from ganbench.errors import BadInput, choices

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Benchmark the training stability of generative adversarial networks.",
)
judge_app = typer.Typer(no_args_is_help=True, help="Judges: the classifiers that name modes.")
app.add_typer(judge_app, name="judge")


def _names(text: str | None, flag: str) -> list[str] | None:
    if text is None:
        return None
    names = [part.strip() for part in text.split(",")]
    if not all(names):
        raise BadInput(f"{flag}: {text!r} must be names separated by commas")
    return names


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="A suite's name or file.")],
    out: Annotated[Path | None, typer.Option(help="Results folder [results/SUITE].")] = None,
    seeds: Annotated[int | None, typer.Option(help="Seeds of every row.")] = None,
    seed: Annotated[int | None, typer.Option(help="Base seed.")] = None,
    steps: Annotated[int | None, typer.Option(help="Generator updates.")] = None,
    methods: Annotated[str | None, typer.Option(help="Only these stacks: a,b+c.")] = None,
    tasks: Annotated[str | None, typer.Option(help="Only these tasks: x,y.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cpu:COUNT, gpu or tpu.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so long.")] = None,
) -> None:
    """Train what is missing of a suite, then print its leaderboard."""
    from ganbench import sweep
    from ganbench.progress import shown

    if max_minutes is not None and not max_minutes > 0:
        raise BadInput(f"--max-minutes: {max_minutes} must be above 0")
    runtime.set_devices(device)
    devices = runtime.devices()
    with shown(Console()) as progress:
        results = sweep.run(
            suite,
            out,
            seeds=seeds,
            seed=seed,
            steps=steps,
            methods=_names(methods, "--methods"),
            tasks=_names(tasks, "--tasks"),
            max_minutes=max_minutes,
            devices=devices,
            progress=progress,
        )
    _print_leaderboard(results.leaderboard)


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="methods, tasks, nets, metrics or suites.")],
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
) -> None:
    """List what there is."""
    if what not in catalogue.LISTS:
        raise BadInput(f"list: {what!r} is none of {choices(catalogue.LISTS)}")
    rows = catalogue.LISTS[what]()
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['summary']}")


@app.command()
def leaderboard(folder: Annotated[Path, typer.Argument(help="A results folder.")]) -> None:
    """Print a results folder's leaderboard."""
    from ganbench.store import load

    _print_leaderboard(load(folder).leaderboard)


@judge_app.command("train")
def judge_train(
    name: Annotated[str, typer.Argument(help="A judge's name.")],
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("build/judges"),
) -> None:
    """Remake a judge's weights and say how far they agree with the committed ones."""
    from ganbench.judges.remake import remake

    remake(name, out, print)


def _interval(row: Any, name: str, digits: int) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    mean = row.get(f"{name}_mean", row.get(f"{name}_rate"))
    if pd.isna(mean):
        return "-"
    between = "" if pd.isna(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{mean:.{digits}f}{between}"


def _print_leaderboard(board: pd.DataFrame) -> None:
    """One table a task: what a terminal has room for; the CSV holds the rest."""
    console = Console()
    varying = [
        {k: v for k, v in json.loads(text).items() if k == "learning_rate"}
        for text in board["hyperparameters"]
    ]
    board = board.assign(setting=[" ".join(f"{v:g}" for v in own.values()) for own in varying])
    for task, rows in board.groupby("task", sort=False):
        table = Table(title=str(task), title_justify="left", box=None, pad_edge=False)
        for column in ("rank", "method", "rate", "success [95 %]", "n", "how it ended", "modes"):
            table.add_column(column, no_wrap=True)
        table.add_column("high quality", no_wrap=True)
        for _, row in rows.iterrows():
            ended = " ".join(
                f"{row[c]} {c[2:]}" for c in board.columns if c.startswith("n_") and row[c] > 0
            )
            low, high = row["rank_low"], row["rank_high"]
            rank = "" if pd.isna(row["rank"]) else f"{row['rank']} ({low}-{high})"
            success = f"{row['success_rate']:.2f} [{row['success_low']:.2f}, "
            table.add_row(
                rank,
                row["method"],
                row["setting"],
                f"{success}{row['success_high']:.2f}]",
                str(row["n"]),
                ended,
                _interval(row, "modes", 1),
                _interval(row, "high_quality", 2),
            )
        console.print(table)
        console.print()


def main() -> None:
    """Runs the command line; bad input is one line on standard error and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except TyperException as error:
        print(f"error: {error.format_message()}", file=sys.stderr)
        sys.exit(2)
    except Abort:
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
