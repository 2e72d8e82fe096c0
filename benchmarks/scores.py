"""The page of all scores, from the catalogue, the docstrings, and the numbers measured.

    python benchmarks/scores.py > docs/scores.md

The numbers are those of `benchmarks/scores.csv`, which `score_numbers.py` makes; what each score
makes of graded faults is the table that `tests/test_directions.py` holds every score to.
"""

import csv
import inspect
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from directions import DIRECTIONS  # noqa: E402

from ganbench.metrics.catalogue import METRICS, OPTIONAL, OPTIONAL_SUMS  # noqa: E402

NUMBERS = ROOT / "benchmarks" / "scores.csv"
DOCSTRINGS = {name: metric.score for name, metric in METRICS.items()}
DOCSTRINGS |= {name: metric.fit for name, metric in OPTIONAL.items()}
DOCSTRINGS |= {name: metric.score for name, metric in OPTIONAL_SUMS.items()}
SIGNS = {"up": "↑", "down": "↓", "blind": "·", "mixed": "↕"}

HEAD = """# Scores

Made by `python benchmarks/scores.py` from the docstrings (which have formulas and references), from
`benchmarks/scores.csv`, which `python benchmarks/score_numbers.py` makes, and from the table that
`tests/test_directions.py` holds every score to. Those up to `am_score_hq` are sums over all samples
of an evaluation and stand on every leaderboard; the others a suite asks for in `scores`, and all
but `forward_kl` and the `_ungated` ones see the first 2,500 samples of the last evaluation.

No score sees everything. Read one of quality (`high_quality`, `precision`, `density`) beside one of
diversity (`modes`, `recall`, `nn_coverage`), and `memorization` beside both.
"""

FLOORS = """
## Floors, spread and cost

What a perfect sampler scores from 2,500 samples: mean and standard deviation over 24 draws from the
training data, as method `real` makes them. Read a score against these, not against 0 or 1;
`docs/floors.md` has those of more samples. The reference is held-out data: 2,500 draws of the
mixtures, 500 images of digits. Cost is processor time on one core of a small machine: of scoring
2,500 samples, and, once a task, of fitting to its truth (the greatest of the three tasks).
"""

AFTER_FLOORS = """
- Draws from a fixed training set repeat its images: 2,500 draws hold each of 1,297 digits about
  twice. So `memorization` is 1 by definition, `birthday` counts the images, not the distribution,
  and `recall` is low, for where third neighbours are copies balls are small.
- A `birthday` beyond 3 million, the number of pairs, means "at least": no pair was close.
- `ndb` of the digits is under 0.05: 2,500 draws from the very images that the bins were made of
  differ from them less than two independent samples do.
- `kid` of the digits is below 0 on average: the 500 held-out images are stratified by class, and so
  less alike than independent draws are.
- `fid` of the digits is above 0 because the judge has seen the training images; see
  `docs/floors.md`.
"""

FAULTY = """
## Noise, one sample a mode, a memorizer

Means over six draws of 2,500 samples. Noise is uniform over the data's range. One a mode is a
generator that emits one fixed training sample of each mode, in the true proportions; the memorizer
draws from 100 fixed training samples. In bold what is no further from the perfect sampler's mean
than three of its standard deviations, or better: a score that cannot tell the two apart.
"""

GRADED = """
## Graded faults

What happens to a score when a perfect sampler loses modes, one after another; blurs (the ring's
modes widen to three sigma, digits are blurred by up to 0.8 pixels); takes more and more of its
samples from two training samples a mode (copies); or adds noise (half of the ring's samples uniform
at the end, digits with up to 0.55 on every pixel). ↑ and ↓: from step to step it moves that way or
stands still. ·: it is blind to the fault, for at no step does it change by 5 % of the most that any
of the four changes it, beyond three standard errors. ↕: it goes both ways. A dash: the task has no
such score. Scores that a lost mode makes infinite count as blind to all that leaves them finite.
"""

BAD = """
## Bad input

What each score makes, on the digits, of no sample; of one; of 2,500 of which one is not a number;
of 2,500 of which the judge accepts none; of 2,500 times the same grey image; and of perfect samples
without those of the first class. A text is a null with its reason: `runs.csv` has no value there,
and `scores.csv` has the reason. A judge that rules answers out (log p of minus infinity) is no bad
input: 0 log 0 = 0. Whatever else a score is given, it answers with a value in its range or a
reason; `tests/test_undefined.py` looks for what would make one fail.
"""


def blindness(name: str) -> str:
    """The docstring's paragraph on it."""
    paragraphs = (inspect.getdoc(DOCSTRINGS[name]) or "").split("\n\n")
    said = [p for p in paragraphs if p.startswith("Blind to ")]
    return " ".join(said[0].split()).removeprefix("Blind to ") if said else ""


def table(head: list[str], rows: list[list[str]]) -> None:
    for cells in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # a reason
        return None


def with_sd(row: dict[str, str]) -> str:
    return f"{row['perfect']} ± {row['sd']}" if number(row["perfect"]) is not None else "-"


def beside(row: dict[str, str], generator: str, better: str) -> str:
    """A faulty generator's value, in bold where it looks like a perfect sampler's or better."""
    value, perfect, sd = (number(row[key]) for key in (generator, "perfect", "sd"))
    if value is None or perfect is None or sd is None:
        return "-" if perfect is None else row[generator]
    far = {"higher": perfect - value, "lower": value - perfect, "neither": abs(value - perfect)}
    return row[generator] if far[better] > 3 * sd else f"**{row[generator]}**"


def main() -> None:
    with NUMBERS.open() as file:
        rows = list(csv.DictReader(file))
    numbers = {(row["task"], row["score"]): row for row in rows}
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    every = {**METRICS, **OPTIONAL}
    missing = {*every} - {row["score"] for row in rows}
    if missing:
        sys.exit(f"{NUMBERS}: no {', '.join(sorted(missing))}; make it with score_numbers.py")

    print(HEAD)
    table(
        ["score", "better", "what it is", "blind to"],
        [[f"`{n}`", m.better, m.summary, blindness(n)] for n, m in every.items()],
    )
    print(FLOORS)
    table(
        ["score", *tasks, "ms", "ms to fit"],
        [
            [
                f"`{n}`",
                *(with_sd(numbers[t, n]) for t in tasks),
                *(f"{max(float(numbers[t, n][k]) for t in tasks):.2g}" for k in ("ms", "fit_ms")),
            ]
            for n in every
        ],
    )
    print(AFTER_FLOORS.rstrip())
    print(FAULTY.rstrip())
    for task in tasks:
        print(f"\n### {task.capitalize()}\n")
        table(
            ["score", "perfect", "noise", "one a mode", "memorizer"],
            [
                [f"`{n}`", numbers[task, n]["perfect"]]
                + [beside(numbers[task, n], g, m.better) for g in ("noise", "one", "memorizer")]
                for n, m in every.items()
                if number(numbers[task, n]["perfect"]) is not None
            ],
        )
    print(GRADED)
    faults = ("lost modes", "blur", "copies", "noise")
    table(
        ["score", *(f"{task}: {fault}" for task in DIRECTIONS for fault in faults)],
        [
            [f"`{n}`"]
            + [
                SIGNS[seen] if seen in SIGNS else "-"
                for task in DIRECTIONS.values()
                for seen in task.get(n, "- - - -").split()
            ]
            for n in every
        ],
    )
    print(BAD)
    inputs = ("none", "single", "broken", "rejected", "constant", "lost")
    table(
        [
            "score",
            "no sample",
            "one",
            "one not finite",
            "none accepted",
            "constant",
            "a class lost",
        ],
        [
            [f"`{n}`", *(numbers["digits", n][k] for k in inputs)]
            for n in every
            if number(numbers["digits", n]["perfect"]) is not None
        ],
    )


main()
