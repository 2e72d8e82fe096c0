"""Commands that train: run, reproduce."""

import math
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ganbench import runtime
from ganbench.cli.plugging import Plugins, add
from ganbench.cli.printing import names, show_board
from ganbench.errors import BadInput, choices

if TYPE_CHECKING:
    from ganbench.engines.engine import Engine

app = typer.Typer()
INTERRUPTED = 130  # as a shell has it: 128 and the number of the signal


@contextmanager
def _watched(device: str | None, max_minutes: float | None) -> Iterator[dict[str, Any]]:
    """What `sweep.run` is given of the machine and the clock, and shows itself with."""
    from ganbench.cli.display import shown as progress_shown

    if max_minutes is not None and not max_minutes > 0:
        raise BadInput(f"--max-minutes: {max_minutes} must be above 0")
    runtime.set_devices(device)
    devices = runtime.devices()
    before = signal.signal(signal.SIGINT, _once)
    try:
        with progress_shown(Console()) as progress:
            yield {"max_minutes": max_minutes, "devices": devices, "progress": progress}
    except KeyboardInterrupt:  # by now all that was finished is on disk, and in the tables
        before = signal.SIG_IGN  # a third one is no news to a process that is at its end
        again = shlex.join(["ganbench", *sys.argv[1:]])
        print(f"interrupted: what is finished is kept; to go on, type\n  {again}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGINT, before)


def _once(number: int, frame: Any) -> None:
    """Ends a training; from then on nothing disturbs it while it closes its files."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _engine(
    name: str, address: str | None, cpus: int | None, device: str | None, files: Sequence[Path]
) -> "Engine | None":
    """The engine of that name; None for the one that `sweep.run` takes by itself."""
    from ganbench.engines.ray import on_ray

    if name == "ray" and device not in (None, "cpu", "gpu"):
        raise BadInput(f"--device: {device!r}: with --engine ray it is cpu or gpu; see --ray-cpus")
    known = {
        "local": lambda: None,
        "ray": lambda: on_ray(address, cpus or 1, device == "gpu", files),
    }
    if name not in known:
        raise BadInput(f"--engine: {name!r} is none of {choices(known)}")
    for option, value in (("--ray-address", address), ("--ray-cpus", cpus)):
        if value is not None and name != "ray":
            raise BadInput(f"{option}: goes with --engine ray")
    if cpus is not None and cpus < 1:
        raise BadInput(f"--ray-cpus: {cpus} must be at least 1")
    return known[name]()


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
    plugin: Plugins = None,
    report: Annotated[bool, typer.Option("--report", help="Write report.html too.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write curves for TensorBoard too.")
    ] = False,
    checkpoint_every: Annotated[
        float | None, typer.Option(help="Seconds of a group in flight that a kill may cost [15].")
    ] = None,
    engine: Annotated[str, typer.Option(help="Who trains the groups: local or ray.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option(help="A cluster's; a Ray of this machine alone if not given.")
    ] = None,
    ray_cpus: Annotated[
        int | None, typer.Option(help="Cores of a group on Ray, a device each [1].")
    ] = None,
) -> None:
    """Train what is missing of a suite, then print its leaderboard."""
    from ganbench import sweep
    from ganbench.checkpoint import EVERY
    from ganbench.robustness import robustness_of

    if checkpoint_every is not None and not 0 <= checkpoint_every < math.inf:
        raise BadInput(f"--checkpoint-every: {checkpoint_every} must be at least 0")
    if checkpoint_every is not None and engine == "ray":
        raise BadInput("--checkpoint-every: there are no checkpoints with --engine ray")
    add(plugin)
    trainer = _engine(engine, ray_address, ray_cpus, device, plugin or [])
    # on Ray this process trains nothing: it needs no GPU, and is not to hold one
    with _watched("cpu" if engine == "ray" else device, max_minutes) as how:
        results = sweep.run(
            suite,
            out,
            seeds=seeds,
            seed=seed,
            steps=steps,
            methods=names(methods, "--methods"),
            tasks=names(tasks, "--tasks"),
            tensorboard=tensorboard,
            checkpoint_every=EVERY if checkpoint_every is None else checkpoint_every,
            engine=trainer,
            **how,
        )
    show_board(results.leaderboard, results.boxed(), lambda: robustness_of(results))
    if report:
        from ganbench.report.page import report as write_report

        print(f"wrote {write_report(results.folder)}")


@app.command("reproduce")
def reproduce_(
    suite: Annotated[str, typer.Argument(help="A suite with claims: its name or file.")],
    full: Annotated[bool, typer.Option(help="In the published setting, not scaled down.")] = False,
    out: Annotated[Path | None, typer.Option(help="Results folder [results/SUITE].")] = None,
    seeds: Annotated[int | None, typer.Option(help="Seeds of every row.")] = None,
    seed: Annotated[int | None, typer.Option(help="Base seed.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cpu:COUNT, gpu or tpu.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so long.")] = None,
    plugin: Plugins = None,
) -> None:
    """Train what is missing of a suite; print its figures beside the paper's, and the verdicts."""
    from ganbench import reproduce

    add(plugin)
    with _watched(device, max_minutes) as how:
        text = reproduce.run(suite, full, out, seeds, seed, **how)
    print(text)
