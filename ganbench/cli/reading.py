"""Commands that read a results folder: leaderboard, report, figures and the others."""

import json
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
    from ganbench.files import write
    from ganbench.registry import kinds
    from ganbench.results import load
    from ganbench.robustness import profile, robustness_of

    results = load(folder)
    rows = robustness_of(results)
    profiles = profile(results.runs, results.boxed(), kinds("reference"))
    tables = {"robustness.csv": rows, "profile.csv": profiles}
    write(folder, {name: partial(made.to_csv, index=False) for name, made in tables.items()})
    show(shown.robustness(rows))


@app.command("status")
def status_(
    folder: Annotated[Path, typer.Argument(help="A results folder, while it is trained or after.")],
    as_json: Annotated[bool, typer.Option("--json", help="One object.")] = False,
) -> None:
    """Say how far the training of a results folder is."""
    from ganbench.results import read_runs
    from ganbench.watching import status

    found = status(folder)
    counted = read_runs(folder / "runs.csv")["status"].value_counts()
    ended = {str(name): int(n) for name, n in counted.items()}
    if as_json:
        now = found and found._asdict() | {"alive": found.alive(), "left": found.left()}
        print(json.dumps({"training": now, "ended": ended}, indent=1))
    else:
        show(shown.status(found, ended))


@app.command("report")
def report_(folder: Annotated[Path, typer.Argument(help="A results folder.")]) -> None:
    """Write report.html: one page with all of a results folder, which opens offline."""
    from ganbench.report.page import report

    print(f"wrote {report(folder)}")


@app.command("figures")
def figures_(
    folder: Annotated[Path, typer.Argument(help="A results folder.")],
    methods: Annotated[str | None, typer.Option(help="Draw these methods alone: a,b+c.")] = None,
) -> None:
    """Write figures for papers, SVG and PDF, into FOLDER/figures."""
    from ganbench.report.figures import figures
    from ganbench.results import load

    made = figures(load(folder), names(methods, "--methods"))
    print(f"wrote {len(made)} files to {folder / 'figures'}")


@app.command()
def samples(
    folder: Annotated[Path, typer.Argument(help="A results folder with samples.")],
    runs: Annotated[int, typer.Option(help="Runs of each row.", min=1)] = 2,
) -> None:
    """Draw samples of every row, a picture a task of images: samples-TASK.png."""
    from ganbench.files import write
    from ganbench.gallery import galleries

    for task, picture in galleries(folder, runs).items():
        write(folder, {f"samples-{task}.png": partial(picture.save, format="PNG")})
        print(f"wrote {folder / f'samples-{task}.png'}")


@app.command()
def gam2(folder: Annotated[Path, typer.Argument(help="A results folder with states.")]) -> None:
    """Let every generator meet every other row's discriminator; write gam2.csv, print it."""
    from ganbench.files import write
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
