"""The page on comparing two results, with how often `ganbench compare` is right and wrong.

python benchmarks/comparisons.py > docs/comparisons.md
"""

import numpy as np

from ganbench.compare import VERDICTS, judged
from ganbench.exact import least_pairs, paired, unpaired
from ganbench.power import ALPHA, least_separable

EXPERIMENTS = 2000
ROWS = 11
SIZES = (8, 16, 32, 64)
DROPS = ((1.0, 0.5), (0.75, 0.25), (0.75, 0.5))

HEAD = """# Two results

Made by `python benchmarks/comparisons.py`.

    ganbench compare results/old results/new      # make compare A=results/old B=results/new
    ganbench compare results/old/leaderboard.csv results/new/leaderboard.csv --json
    ganbench compare results/one results/one --methods r1,gap --where r1.gamma=0.01
    ganbench merge results/one results/two --out results/both

`compare` holds B against A, row by row: a row is a task, a method and its hyperparameters, and in a
task with a box a method. Rows of reference are left out. `--methods x,y` holds the rows of `y` in B
against those of `x` in A, of one folder if you like; `--where NAME.PARAMETER=VALUE` leaves out rows
that have this hyperparameter at another value.

| verdict | means |
|---|---|
"""

RULES = f"""

The exit code is 0 where nothing regressed, 1 where something did, 2 where the two do not compare or
cannot be read: fit for a check in other people's CI. (`make compare` ends with make's own code, 2
for either.)

A verdict rests on the share of successes alone: an exact test, two-sided, Holm-adjusted over the
rows that both have, a task at a time, at `--alpha`, {ALPHA:g} if not given. Where both are folders
whose runs are of the same base seeds and replicates, run is held against run (McNemar's test, which
counts the pairs that differ); otherwise the two samples are (Fisher's). Boxes are tested by shapes
of nets, of which runs are no evidence apart (by points, if all have one shape): signs of their
differences flipped, or shapes' shares of successes shared out anew, in all ways. Two seeds more on
one side make runs no pairs: none is dropped. All other columns are differences with intervals, at
95 %, not adjusted, and no verdicts: each side's interval reaches as far as it does, squares added.
A score without an interval has none here.

What does not mean the same is refused, naming the first key of the protocols that differs: data,
judge, version of the scores, sample sizes, rules, budget. `--force` compares what still can be: of
two budgets all, of other rules of success only the scores, of another judge nothing; a line says
so. A bare `leaderboard.csv` has hashes of its protocol and judge, no keys.

`merge` writes the runs of several folders of one protocol to a new one, of a run that several have
the one that was written last, and lists where they disagree.

## How often it is right

Simulated, {EXPERIMENTS:,} pairs of leaderboards a figure, runs independent, a task of {ROWS} rows.
False alarms: the share of pairs with any verdict at all, where both have the same rates, 0 to 1 in
steps of 0.1. Drops: the share in which it is called, one row from the first rate to the second, ten
at 0.5 in both. Pairs of independent runs are the worst case for pairing; where a change leaves most
runs as they are, the few that differ tell more.

"""

LEAST = """
The least n at which one row can be significant at all, below which verdicts are `underpowered`:

"""


def drawn(rng: np.random.Generator, rates: np.ndarray, n: int) -> np.ndarray:
    """(rows, n) of outcomes."""
    return (rng.random((len(rates), n)) < rates[:, None]).astype(int)


def verdicts(a: np.ndarray, b: np.ndarray, pairs: bool) -> list[str]:
    n = a.shape[1]
    tests = [
        paired([int(d) for d in y - x]) if pairs else unpaired((int(x.sum()), n), (int(y.sum()), n))
        for x, y in zip(a, b, strict=True)
    ]
    return [row["verdict"] for row in judged(tests, ALPHA)]


def alarms(n: int, pairs: bool) -> float:
    rng, rates = np.random.default_rng(0), np.linspace(0, 1, ROWS)
    made = [verdicts(drawn(rng, rates, n), drawn(rng, rates, n), pairs) for _ in range(EXPERIMENTS)]
    return float(np.mean([bool({"improved", "regressed"} & set(one)) for one in made]))


def called(before: float, after: float, n: int, pairs: bool) -> float:
    rng, rest = np.random.default_rng(1), np.full(ROWS - 1, 0.5)
    a, b = (np.array([rate, *rest]) for rate in (before, after))
    made = [verdicts(drawn(rng, a, n), drawn(rng, b, n), pairs) for _ in range(EXPERIMENTS)]
    return float(np.mean([one[0] == "regressed" for one in made]))


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rules() -> str:
    """The page without its figures."""
    return HEAD + "\n".join(f"| `{name}` | {means} |" for name, means in VERDICTS.items()) + RULES


def main() -> None:
    heads = ["n", "test", "false alarms", *(f"{x:g} to {y:g}" for x, y in DROPS)]
    rows = [
        [str(n), "pairs" if pairs else "samples", f"{alarms(n, pairs):.3f}"]
        + [f"{called(*drop, n, pairs):.2f}" for drop in DROPS]
        for n in SIZES
        for pairs in (False, True)
    ]
    print(rules() + table(heads, rows))
    many = (1, 2, 5, 11, 24, 50)
    least = [
        ["samples", *(str(least_separable(rows)) for rows in many)],
        ["pairs", *(str(least_pairs(rows)) for rows in many)],
    ]
    print(LEAST + table(["rows of a task", *map(str, many)], least))


if __name__ == "__main__":
    main()
