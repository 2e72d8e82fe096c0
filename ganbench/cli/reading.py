"""Commands that read a results folder: leaderboard, robustness, samples, gam2, informativeness."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ganbench import shown
from ganbench.cli.printing import names, show, show_board
from ganbench.errors import BadInput

app = typer.Typer()


@app.command()
def leaderboard(
    folder: Annotated[Path, typer.Argument(help="A results folder.")],
    scores: Annotated[str | None, typer.Option(help="Show these scores: a,b.")] = None,
    above_floor: Annotated[
        bool, typer.Option(help="Less what real data score with as many samples.")
    ] = False,
) -> None:
    """Print a results folder's leaderboard, or its scores."""
    from ganbench.results import boxed, load, read_board, read_provenance
    from ganbench.robustness import robustness_of

    board = read_board(folder / "leaderboard.csv")
    asked = names(scores, "--scores")
    if above_floor and not asked:
        raise BadInput("--above-floor: goes with --scores")
    if asked:
        show(shown.scores(board, asked, above_floor))
    else:
        tasks = boxed(read_provenance(folder))
        show_board(board, tasks, lambda: robustness_of(load(folder)))


@app.command("robustness")
def robustness_(
    folder: Annotated[Path, typer.Argument(help="A results folder of a suite with a box.")],
) -> None:
    """Print what to expect of untuned methods; write robustness.csv and profile.csv."""
    from ganbench.registry import kinds
    from ganbench.results import load
    from ganbench.robustness import profile, robustness_of
    from ganbench.store import write

    results = load(folder)
    rows = robustness_of(results)
    profiles = profile(results.runs, results.boxed(), kinds("reference"))
    tables = {"robustness.csv": rows, "profile.csv": profiles}
    write(folder, {name: partial(made.to_csv, index=False) for name, made in tables.items()})
    show(shown.robustness(rows))


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
    show(shown.tournament(summary(scores)))


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
    show(shown.informativeness(rows))
