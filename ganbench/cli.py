"""The command line. The only place that prints."""

import json
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, RenderableType
from typer.exceptions import Abort, TyperException

from ganbench import catalogue, runtime, shown
from ganbench.errors import BadInput, choices

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.results import Results

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Benchmark the training stability of generative adversarial networks.",
)
judge_app = typer.Typer(no_args_is_help=True, help="Judges: the classifiers that name modes.")
data_app = typer.Typer(no_args_is_help=True, help="Image sets, by tensorflow-datasets.")
app.add_typer(judge_app, name="judge")
app.add_typer(data_app, name="data")


def _names(text: str | None, flag: str) -> list[str] | None:
    if text is None:
        return None
    names = [part.strip() for part in text.split(",")]
    if not all(names):
        raise BadInput(f"{flag}: {text!r} must be names separated by commas")
    return names


def _check_minutes(minutes: float | None) -> None:
    if minutes is not None and not minutes > 0:
        raise BadInput(f"--max-minutes: {minutes} must be above 0")


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="A suite's name or file.")],
    out: Annotated[Path | None, typer.Option(help="Results folder [results/SUITE].")] = None,
    seeds: Annotated[int | None, typer.Option(help="Seeds of every row.")] = None,
    seed: Annotated[int | None, typer.Option(help="Base seed.")] = None,
    steps: Annotated[int | None, typer.Option(help="Passes of the schedule.")] = None,
    methods: Annotated[str | None, typer.Option(help="Only these stacks: a,b+c.")] = None,
    tasks: Annotated[str | None, typer.Option(help="Only these tasks: x,y.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cpu:COUNT, gpu or tpu.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so long.")] = None,
) -> None:
    """Train what is missing of a suite, then print its leaderboard."""
    from ganbench import sweep
    from ganbench.progress import shown as progress_shown

    _check_minutes(max_minutes)
    runtime.set_devices(device)
    devices = runtime.devices()
    with progress_shown(Console()) as progress:
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
    boxed, board = results.boxed(), results.leaderboard
    rest = board[~board["task"].isin(boxed)]  # of a box, a row a point says little
    if not rest.empty:
        _print(shown.leaderboard(rest))
    if boxed:
        _print(shown.robustness(_robustness(results)))


def _robustness(results: "Results") -> "pd.DataFrame":
    from ganbench.registry import kinds
    from ganbench.robustness import robustness

    return robustness(results.runs, results.boxed(), kinds("reference"))


@app.command("reproduce")
def reproduce_(
    suite: Annotated[str, typer.Argument(help="A suite with claims: its name or file.")],
    full: Annotated[bool, typer.Option(help="In the published setting, not scaled down.")] = False,
    out: Annotated[Path | None, typer.Option(help="Results folder [results/SUITE].")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cpu:COUNT, gpu or tpu.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so long.")] = None,
) -> None:
    """Train what is missing of a suite; print its figures beside the paper's, and the verdicts."""
    from ganbench import reproduce
    from ganbench.progress import shown as progress_shown

    _check_minutes(max_minutes)
    runtime.set_devices(device)
    devices = runtime.devices()
    with progress_shown(Console()) as progress:
        text = reproduce.run(
            suite, full, out, max_minutes=max_minutes, devices=devices, progress=progress
        )
    print(text)


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help=f"One of {choices(catalogue.LISTS)}.")],
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
) -> None:
    """List what there is."""
    if what not in catalogue.LISTS:
        raise BadInput(f"list: {what!r} is none of {choices(catalogue.LISTS)}")
    rows = catalogue.LISTS[what]()
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['summary']}")


@app.command()
def leaderboard(
    folder: Annotated[Path, typer.Argument(help="A results folder.")],
    scores: Annotated[str | None, typer.Option(help="Show these scores: a,b.")] = None,
    above_floor: Annotated[
        bool, typer.Option(help="Less what real data score with as many samples.")
    ] = False,
) -> None:
    """Print a results folder's leaderboard, or its scores."""
    from ganbench.results import read_board

    board = read_board(folder / "leaderboard.csv")
    names = _names(scores, "--scores")
    if above_floor and not names:
        raise BadInput("--above-floor: goes with --scores")
    made = shown.scores(board, names, above_floor) if names else shown.leaderboard(board)
    _print(made)


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


@judge_app.command("train")
def judge_train(
    name: Annotated[str, typer.Argument(help="A judge's name.")],
    out: Annotated[Path | None, typer.Option(help="Where to write it [build/judges].")] = None,
) -> None:
    """Remake a judge's weights and say how far they agree with the committed ones."""
    from ganbench.judges.remake import remake

    remake(name, out, print)


@judge_app.command("check")
def judge_check(
    name: Annotated[str, typer.Argument(help="A judge's name.")],
    weights: Annotated[Path, typer.Option(help="Its weight file.")],
) -> None:
    """Read a weight file that a judge needs and say what it holds."""
    from ganbench.judges.check import check

    check(name, weights, print)


@data_app.command("list")
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
        found = f"ready  {row['where']}" if row["ready"] else f"-      {row['reason']}"
        print(f"{row['name']:<{width}}  {found}")


@data_app.command("prepare")
def data_prepare(name: Annotated[str, typer.Argument(help="An image set's name.")]) -> None:
    """Download an image set and write it where it can be read without TensorFlow."""
    from ganbench.tasks.prepared import prepare

    print(f"ready  {prepare(name)}")


@app.command("robustness")
def robustness_(
    folder: Annotated[Path, typer.Argument(help="A results folder of a suite with a box.")],
) -> None:
    """Print what to expect of untuned methods; write robustness.csv and profile.csv."""
    from ganbench.registry import kinds
    from ganbench.results import load
    from ganbench.robustness import profile
    from ganbench.store import write

    results = load(folder)
    rows = _robustness(results)
    profiles = profile(results.runs, results.boxed(), kinds("reference"))
    tables = {"robustness.csv": rows, "profile.csv": profiles}
    write(folder, {name: partial(made.to_csv, index=False) for name, made in tables.items()})
    _print(shown.robustness(rows))


@app.command()
def samples(
    folder: Annotated[Path, typer.Argument(help="A results folder with samples.")],
    runs: Annotated[int, typer.Option(help="Runs of each row.", min=1)] = 2,
) -> None:
    """Draw samples of every row, a picture a task of images: samples-TASK.png."""
    from ganbench.gallery import galleries
    from ganbench.store import write

    for task, picture in galleries(folder, runs).items():
        write(folder, {f"samples-{task}.png": partial(picture.save, format="PNG")})
        print(f"wrote {folder / f'samples-{task}.png'}")


@app.command()
def gam2(folder: Annotated[Path, typer.Argument(help="A results folder with states.")]) -> None:
    """Let every generator meet every other row's discriminator; write gam2.csv, print it."""
    from ganbench.store import write
    from ganbench.tournament import summary, tournament

    scores, pairs = tournament(folder)
    tables = {"gam2.csv": scores, "gam2_pairs.csv": pairs}
    write(folder, {name: partial(made.to_csv, index=False) for name, made in tables.items()})
    _print(shown.tournament(summary(scores)))


@app.command()
def informativeness(
    folder: Annotated[Path, typer.Argument(help="A results folder with curves.")],
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
) -> None:
    """Print how far each method's discriminator loss tells the quality of its samples."""
    from ganbench.diagnostics.informativeness import by_row, loss_informativeness
    from ganbench.registry import kinds
    from ganbench.results import load

    results = load(folder)
    rows = by_row(loss_informativeness(results.runs, results.curves, kinds("reference")))
    if as_json:
        print(rows.to_json(orient="records", indent=1))
        return
    _print(shown.informativeness(rows))


def _print(made: Iterable[RenderableType]) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = 140  # a file has no edge to wrap at
    for part in made:
        console.print(part, highlight=False)


def main() -> None:
    """Runs the command line; bad input is one line on standard error and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except TyperException as error:
        if error.format_message():  # without arguments the help says it all
            print(f"error: {error.format_message()}", file=sys.stderr)
        sys.exit(2)
    except Abort:
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
