"""The page of speed, from what `make perf` measured.

python benchmarks/speed_page.py > docs/speed.md
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
MAIN = "16"  # lanes that targets are for
Row = dict[str, str]


class Target(NamedTuple):
    """Something to reach: the worst of `found`, at least (or at most) `bound`."""

    says: str
    bound: float
    found: list[float]
    most: bool = False  # whether the bound is an upper one
    limit: str = ""  # what stands in the way, where it is known

    def worst(self) -> float:
        return (max if self.most else min)(self.found)

    def met(self) -> bool:
        return self.worst() <= self.bound if self.most else self.worst() >= self.bound


def rows_of(name: str, folder: Path = HERE) -> list[Row]:
    with (folder / name).open(newline="") as file:
        return [*csv.DictReader(file)]


def targets(speed: list[Row], devices: list[Row]) -> list[Target]:
    main = [row for row in speed if row["lanes"] == MAIN]

    def values(column: str, where: Callable[[Row], bool] = lambda row: True) -> list[float]:
        return [float(row[column]) for row in main if where(row)]

    def mlp(batch: int) -> Callable[[Row], bool]:
        return lambda row: row["nets"] == "mlp" and row["batch"] == str(batch)

    cores = int(devices[0]["cores"])
    by_count = {int(row["devices"]): row for row in devices}
    made = [
        Target(
            f"`mlp`, batch {batch}, 16 lanes, times PyTorch's best eager process",
            bound,
            values("over_eager", mlp(batch)),
            limit=OF_MLP,
        )
        for batch, bound in ((64, 9.0), (128, 6.0), (256, 3.5))
    ]
    return [
        *made,
        Target(
            "`conv` and `dcgan`, 16 lanes, times that",
            3.0,
            values("over_eager", lambda row: row["nets"] != "mlp"),
        ),
        Target(
            "of the ceiling, `mlp`, batch 128 and more",
            0.7,
            values("of_ceiling", lambda row: row["nets"] == "mlp" and int(row["batch"]) >= 128),
            limit=OF_CEILING,
        ),
        Target(
            f"times one device on one core, {cores} devices on {cores} cores",
            0.85 * cores,
            [float(by_count[cores]["over_one"])],
            limit=OF_DEVICES,
        ),
        Target(
            f"of that speed, {2 * cores} devices on {cores} cores",
            0.8,
            [float(by_count[2 * cores]["over_cores"])],
        ),
        Target(
            "over a bare jitted scan, spent by the harness",
            0.03,
            values("overhead"),
            True,
            OF_HARNESS,
        ),
        Target("of the time, in evaluations", 0.05, values("evaluation"), True),
        Target("seconds in XLA, nothing cached", 4.0, values("xla_cold_s"), True, OF_XLA),
        Target("seconds in XLA, from its cache", 1.0, values("xla_cached_s"), True),
    ]


OF_MLP = """
Times eager: at batch 64 products of matrices take two thirds of a step; the rest is Adam and the
logged norms (a tenth), which memory limits; at larger batches the products limit it themselves.
PyTorch's best eager process is now one of one thread, now one of two, and from one measurement to
another moves by up to a third, and the ratio with it; what *one a core* does moves by a twentieth.
With PyTorch's stock Adam, as most loops have it, the ratio is that of the column *times stock*, and
most loops also make gradients that nobody needs."""
OF_CEILING = """
Of the ceiling: the product for the weights' gradient, which contracts the batch, reaches 0.6 to 0.8
of it in XLA's library, the other two 0.9; a custom product that transposes first brought 2 to 3 %
at batch 256 and 512, and nothing below: not worth an own layer. Adam and norms are a fifth of a
step at batch 128. Blocks of 2 lanes instead of 8 stay nearer to the processor's caches: 16 lanes,
both ways in turns for three rounds, are 1, 1 and 13 % faster so at batch 64, 128 and 256, and 3
(`conv`) and 16 % (`dcgan`). The block is part of the protocol, and batch 64 is what most suites
have."""
OF_DEVICES = """
Two processes, each on a core of its own, slow each other by a tenth on this machine too: what they
share is memory and cache."""
OF_HARNESS = """
Over a bare scan: that of `mlp` at batch 64, whose steps are the shortest, is 1 to 3 % from one
measurement to the next, with nothing changed. A hundredth of its step is the check for divergence,
half of one keeps the last state that was finite, and another hundredth are the keys, first states
and records of the lanes, once a training: these last 900 steps, those of the suites thousands."""
OF_XLA = """
In XLA, nothing cached: the longest program to compile is that of a step, on both cores at once.
`conv` and `dcgan`, with convolutions at every order of differentiation, are at the bound, now on
one side of it and now on the other; `mlp` takes two thirds to four fifths of it."""


def table(heads: str, rows: Iterable[list[str]]) -> Iterator[str]:
    """A table in Markdown; `heads` are its columns' names, a bar between two."""
    yield f"| {heads}|"
    yield "|" + "---|" * len(heads.split("|"))
    for cells in rows:
        yield f"| {' | '.join(cells)} |"


def rounded(row: Row, digits: int, *names: str) -> Iterator[str]:
    return (f"{float(row[name]):,.{digits}f}" for name in names)


def main_table(speed: list[Row]) -> Iterator[str]:
    def cells(row: Row) -> list[str]:
        middle, low, high = rounded(row, 1, "over_eager", "over_eager_low", "over_eager_high")
        return [
            *(f"`{row['nets']}`", row["batch"], row["lanes"]),
            *rounded(row, 0, "rate"),
            f"{middle} ({low} to {high})",
            *rounded(row, 1, "over_stock", "over_compiled", "over_per_core", "over_stacked"),
            *rounded(row, 2, "of_ceiling", "evaluation", "idle"),
        ]

    return table(
        "nets | batch | lanes | seed-steps/s | times best eager | times stock | times compiled | "
        "times one a core | times stacked | of ceiling | evaluating | cores idle ",
        map(cells, speed),
    )


def net_table(speed: list[Row]) -> Iterator[str]:
    def cells(row: Row) -> list[str]:
        return [
            *(f"`{row['nets']}`", row["batch"]),
            *rounded(row, 1, "mflop", "mflop_by_xla"),
            *rounded(row, 0, "eager"),
            row["eager_threads"],
            *rounded(row, 0, "ceiling"),
            f"{float(row['overhead']):+.1%}",
            *rounded(row, 2, "trace_s", "xla_cold_s", "xla_cached_s"),
        ]

    return table(
        "nets | batch | MFLOP a step | by XLA | PyTorch's steps/s, best eager | its threads | "
        "ceiling, GFLOP/s | harness over bare scan | traced, s | XLA, s | XLA cached, s ",
        (cells(row) for row in speed if row["lanes"] == MAIN),
    )


def device_table(devices: list[Row]) -> Iterator[str]:
    def cells(row: Row) -> list[str]:
        cores = "1" if row["devices"] == "1" else row["cores"]
        return [row["devices"], cores, *rounded(row, 2, "over_one", "over_cores")]

    return table("devices | cores | times one | of one a core ", map(cells, devices))


def target_table(wanted: list[Target]) -> Iterator[str]:
    def cells(target: Target) -> list[str]:
        bound = f"{'at most' if target.most else 'at least'} {target.bound:g}"
        met = "met" if target.met() else "**not met**"
        return [target.says, bound, f"{target.worst():.3g}", met]

    return table("target | | measured | ", map(cells, wanted))


def main() -> None:
    speed, devices = rows_of("speed.csv"), rows_of("speed_devices.csv")
    wanted = targets(speed, devices)
    missed = dict.fromkeys(t.limit for t in wanted if not t.met() and t.limit)
    print(PAGE_TOP)
    print(*main_table(speed), sep="\n")
    print(NETS)
    print(*net_table(speed), sep="\n")
    print(DEVICES)
    print(*device_table(devices), sep="\n")
    print(TARGETS)
    print(*target_table(wanted), sep="\n")
    print(*missed, sep="\n")
    print(PAGE_END)


PAGE_TOP = """# Speed

Made by `python benchmarks/speed_page.py` from what `make perf` measured on a machine of two cores
(AMD EPYC, no accelerator), three rounds in turns; a ratio is the median of the rounds' own, each
column's by itself, in brackets the least and the largest. Ratios carry over to other machines
better than times.

* **ganbench** trains `nonsaturating` through the real harness: an evaluation of 2,500 samples
  every 300 steps and one at the end, logs and checks for divergence, all of it in the time.
* **PyTorch** (2.13, CPU) runs the same nets, losses, batches and optimizer in a plain loop that
  trains one seed, scores nothing and logs nothing (`benchmarks/peer_torch.py`). It makes no
  gradients that nobody needs: most loops compute those of the discriminator where the generator
  learns, and drop them, at 5 to 10 % of their speed for `mlp`. *Best eager* is the fastest single
  process of one thread or one a core, with the stock or the fused Adam; *stock* the fastest with
  the stock one; *compiled* has its losses through `torch.compile` and the fused Adam, measured
  once, before the rounds; *one a core* is a process of one thread for each core, all of them
  together: what somebody with many seeds does first; *stacked* the same, and each trains its share
  of 16 seeds at once, their parameters stacked and their nets through `torch.func.vmap`: what
  somebody does who has read that far (with the fused Adam, and not compiled).
* **The ceiling** is a product of two 2,048 x 2,048 matrices in single precision, in the same
  process on the same devices.

`mlp` has two hidden layers of 128 on the ring; `conv` (width 16) and `dcgan` (width 16, two
strides) 8 x 8 digits. A device each core; blocks of 8 lanes, or what gives each device one.
"""
NETS = """
Of 16 lanes: what a step of a lane computes, by ganbench's own count (`cost_flops_per_step`, which
shares of the ceiling are of) and by XLA's analysis (which counts a loop's body once, and `dcgan`'s
convolutions are made lane after lane in one); what compiling costs.
"""
DEVICES = """
32 lanes of `mlp` at batch 128 on more or fewer devices, in turns: one device bound to one core, one
a core, and twice as many. Results are equal to the bit (`tests/test_contract.py`, every method).
"""
TARGETS = """
## Targets

Of rows of 16 lanes, medians of the rounds; the worst, where a target is of more than one row.
"""
PAGE_END = """
## Compiling ahead

While a group is trained, the next one is compiled. The suite `smoke` on its ring, nothing cached,
takes 0.96 (0.94 to 1.02, five rounds in turns) of the time that it takes with one after the other
(`python benchmarks/ahead.py`): training has both cores busy already, so what is won is the part of
a compilation that one core does alone.

## What was tried and left out

For a step of `mlp`, as ratios of its time: XLA's options for scheduling, copies and Eigen's
threads, 0.98 to 1.01; the highest level of optimization instead of the second lowest, no faster at
a quarter more in the compiler; unrolled rounds of the random generator, no faster; norms as
products, 1.01. Asking whether the largest of each array is finite, not each entry, took the check
for divergence from 5 % of a step to 1 %, and stayed.

## Comparing

`make perf-check` measures once more, one round, and compares with the committed table, never times:
it fails where *times best eager* is more than a quarter under the least of its rounds, where *times
one a core*, *times stacked*, of the ceiling or devices is a quarter less, and where of the time
evaluations are 0.02 more or the harness 0.05. What a method costs beside `nonsaturating` is in
[methods.md](methods.md), measured by `make perf` too; a second of a sweep is spent in steps,
evaluations and compilation, and `runs.csv` holds all three (`cost_*`)."""

if __name__ == "__main__":
    main()
