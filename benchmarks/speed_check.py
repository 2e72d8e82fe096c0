"""Whether ratios of speed have got worse: exit code 1, and a line for each that has.

    python benchmarks/speed_check.py FOLDER      # make perf-check

FOLDER is what `speed.py --out` wrote; it is held against the tables beside this file. Times are not
compared. A ratio may be a quarter worse; of the time, evaluations may be 0.02 more, and the harness
0.05, which with nothing changed moves by 0.03. `over_eager` is held against the least of its
rounds: one process of PyTorch, with as many threads as are best, runs up to a half faster in one
measurement than in the next. `over_stock` shares that noise and adds nothing; `over_compiled` is
measured once and has no spread to be held against.
"""

import sys
from pathlib import Path

from speed_page import Row, rows_of

RATIOS = ("over_eager", "over_per_core", "over_stacked", "of_ceiling", "over_one", "over_cores")
MORE = {"overhead": 0.05, "evaluation": 0.02}  # shares of time
LEAST = 0.75
KEY = ("nets", "batch", "lanes", "devices")


def known_by(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in KEY if name in row)


def worse(before: list[Row], now: list[Row]) -> list[str]:
    """A line for each ratio of `before` that is worse in `now`, or not there."""
    measured = {known_by(row): row for row in now}
    found = []
    for row in before:
        own = measured.get(known_by(row))
        for name in (*RATIOS, *MORE):
            if not row.get(name):
                continue
            where = f"{' '.join(known_by(row))}: {name}"
            old, least = float(row[name]), float(row.get(f"{name}_low") or row[name])
            if own is None or not own.get(name):
                found.append(f"{where} was {old:.2f} and was not measured")
                continue
            new = float(own[name])
            well = new >= LEAST * least if name in RATIOS else new <= old + MORE[name]
            if not well:  # what is no number is not well
                found.append(f"{where} is {new:.2f}, was {old:.2f}")
    return found


def main() -> None:
    folder = Path(sys.argv[1])
    names = ("speed.csv", "speed_devices.csv")
    found = [line for name in names for line in worse(rows_of(name), rows_of(name, folder))]
    print(*found or ["no ratio is worse"], sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
