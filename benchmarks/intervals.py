"""The page on intervals, ranks and seeds, from the measured coverage and exact power.

    python benchmarks/intervals.py > docs/statistics.md

The coverage comes from `ganbench/coverage.csv`, which `coverage.py` makes.
"""

import math
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from ganbench.intervals import KINDS, POOLED, SIZES, kind, least, measured, shipped
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.power import least_separable, power, seeds_needed
from ganbench.statistics import clopper_pearson

COVERAGE = runpy.run_path(str(Path(__file__).with_name("coverage.py")))
SUITES = [f"`{suite}`" for suite in COVERAGE["SUITES"]]
SHOWN = (8, 16, 64)
SEEN = 0.1  # share of rows with an interval below which their coverage is not worth a figure
RATES = np.arange(1, 200) / 200
PAIRS = ((1.0, 0.9), (1.0, 0.75), (1.0, 0.5), (0.9, 0.75), (0.75, 0.5), (0.5, 0.2), (0.3, 0.2))

HEAD = """# Statistics: what a leaderboard can and cannot say

Made by `python benchmarks/intervals.py`. Intervals claim 95 %; how often they hold the truth was
measured by `python benchmarks/coverage.py > ganbench/coverage.csv` (minutes). n is the number of
runs of a row, its seeds; a score's n is that of the runs that have one.
"""

RATES_HEAD = """
## Success rates

Every run counts, failed ones too. The interval is Clopper and Pearson's, from the binomial
distribution itself: it holds the rate with at least 95 % whatever the rate is. Least and mean
coverage over rates of 0.005 to 0.995, summed over all outcomes, not simulated; and the one-sided
95 % bound that no failure in n runs puts on the rate of failures, 1 - 0.05^(1/n):
"""

SCORES_HEAD = f"""
## Scores

A score's mean is over the runs that have one. Scores are skewed, bounded and often of few values,
so that Student's t interval claims too much at small n. What an interval shows is settled
beforehand, by score, task and n and never by the runs at hand: t where it holds the mean at least
91 % of the time, at that n and above (90, and three standard errors of the measurement); else the
studentized bootstrap (Efron 1981: quantiles of the resamples' own t, 1,999 resamples with a fixed
seed, so that the same runs give the same interval) where that does, and where at least half of the
samples have one; else none, and the mean stands alone. On a task where a score was not measured,
that on which it covers least decides. No interval is shown where all values are the same or one is
infinite, nor where an end of the bootstrap's is: a resample of equal values has an infinite t, as
happens where most runs score the same. Ends may lie outside a score's range: they are not clipped.

A pool says nothing of what happens less than about three times in as many runs as it holds, and it
is of these suites' nets and steps: on a task of the same name trained otherwise, take the figures
as a guide.

Measured on 2,000 simulated boards of five rows at each n. Their runs are drawn with replacement
from the pooled runs of each task of the reference suites
{", ".join(SUITES[:-1])} and {SUITES[-1]},
every method among them, of which the mean is known. In per cent, cut not rounded, t and bootstrap;
the last column is the kind shown at {", ".join(map(str, SIZES))} values (and up to the next), - for
none.
"""

BOARD_HEAD = """
What a board then shows, of rows of n runs each of which has no score with probability 1/4 (far more
than the {dead} of {n:,} that diverged), so that means are of a random number of values; in brackets
the share of rows with an interval, both on the task where it is least. And t where each row draws
from one row's own 8 runs or more instead of the pool: milder, since a handful of runs seldom holds
what happens once in a hundred.
"""

WHY = """
Why some show none:

- `fid`: of {n:,} pooled runs on the ring one is at {most:,.0f}, the median at {half:.2g}. The
  pool's mean is that one run's, and a sample without it knows nothing of it. Most rows hold no such
  run; which do, no sample of eight says. Read the mean beside the row's `n_unlearned`.
- `am_score`, `am_score_hq`: a run in which a mode has no mass at all scores infinity, so the mean
  over the pool is infinite and no finite interval holds it.
- A score that the runs of the reference suites do not hold: its coverage has not been measured.
"""

RANKS = """
## Ranks

A task's rows are compared in pairs, by Fisher's exact test of their success rates, two-sided, with
Holm's adjustment over all pairs of the task at 0.05: with at least 95 % no two rows of equal rates
are called different. `rank_low` is 1 + the number of rows significantly better, `rank_high` the
number of rows less those significantly worse. Rows whose ranges overlap may well stand the other
way round. Many rows cost power: below this n not even n of n against 0 of n is significant.
"""

SHARED = """
The same replicate of two rows sees the same data and noise, which the test does not know. Over all
pairs of rows that have both successes and failures, success at the same replicate correlates by
{told} on average. What rows share makes a difference surer than the test thinks: it errs on the
side of no difference, and power is a little more than said.
"""

SEEDS = """
## How many seeds

`ganbench power --rate-a 0.5 --rate-b 0.2` gives the exact power of that test for one pair of rows,
unadjusted: the sum over all outcomes of two rows of n seeds. Adjusted it takes more. Power rises in
saw teeth, since outcomes are whole numbers: the last column is the n from which on it stays at 80 %
or above (0.85 against 0 reaches it with 5 seeds, loses it with 6 and keeps it from 7 on).
"""

BOXES = """
## Boxes

Points of a box that share a shape have their nets in common, and are no evidence apart. So shares
of a box (successes, profiles, bounds of claims) have Clopper and Pearson's interval at as many runs
as there are shapes, successes not whole. `best_of_N`, the expected best coverage of N points, is
the integral of 1 - F(x)^N over x, F the share of points that cover no more than x, and its interval
that of those shares at every x. In simulations of 16 shapes with four points each both hold at
least 97 % (`tests/test_robustness.py`); resampled shapes, which never see more than the best point
there was, held 76 to 94 %. The price is width: 16 shapes say little.

## Orders

That one row scores higher than another is judged by Cliff's delta, P(y > x) - P(y < x), whose
interval holds it 95 % of the time at 8, 16 and 64 runs a row (`tests/test_claims.py`; where nearly
all of one row lie above the other, 92 %). It is *reproduced* where the interval lies above 0: of
rows that do not differ in at most 2.5 %, at an n of 8 or more (3 % at 4) that was fixed beforehand;
in boxes, where shapes are what counts, at any number of them. Claims of a suite have rows in common
and are not adjusted for their number: of forty that are false one would be reproduced. The n that a
verdict names settles it in four of five experiments, one way or the other, were what was seen the
truth. Adding runs to an inconclusive verdict until it settles finds orders that are not there three
times as often: train anew at the n that was named, from another base seed and in another folder
(`ganbench reproduce NAME --seeds N --seed 1 --out FOLDER`; of a box, raise `points` and `shapes` in
a copy of the suite).
"""

END = """
A leaderboard's `seeds_to_next` is that n for a row's rate and the next lower one, were the rates
seen the true ones; null in the last rank, and beyond 1,000. Under each printed table one line says
how many neighbouring ranks its n tells apart. An n chosen after looking at the rates, or a row
picked for being first, makes every one of these numbers too good: plan n, then run.
"""


def table(head: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def shared(runs: pd.DataFrame) -> str:
    """The mean correlation of success between rows at the same replicate, by suite and task."""
    told = []
    for (suite, task), own in runs.groupby(["suite", "task"], sort=False):
        row = ["method", "hyperparameters"]
        table = own.pivot_table(index=row, columns="replicate", values="success", aggfunc="first")
        success = table.to_numpy(np.float64)
        success = success[np.ptp(success, axis=1) > 0]
        if len(success) > 1:
            pairs = np.corrcoef(success)[np.triu_indices(len(success), 1)]
            told.append(f"{pairs.mean():.2f} ({suite}, {task}, {len(success)} rows)")
    return ", ".join(told)


def rate_coverage(n: int) -> tuple[float, float]:
    """Least and mean coverage of the exact interval of a rate, over `RATES`."""
    low, high = np.array([clopper_pearson(k, n) for k in range(n + 1)]).T
    held = (low[:, None] <= RATES) & (RATES <= high[:, None])
    covered = (held * stats.binom.pmf(np.arange(n + 1)[:, None], n, RATES)).sum(0)
    return float(covered.min()), float(covered.mean())


def percent(share: float) -> str:
    """In whole per cent, cut, not rounded: 90 is at least 90."""
    return "-" if math.isnan(share) else f"{math.floor(100 * share + 1e-9)}"


def rates() -> None:
    print(RATES_HEAD)
    head = ["n", "least coverage", "mean coverage", "no failure bounds their rate below"]
    rows = []
    for n in (5, 10, 20, 50, *SHOWN):
        worst, mean = rate_coverage(n)
        rows.append([f"{n}", f"{worst:.3f}", f"{mean:.3f}", f"{1 - 0.05 ** (1 / n):.2f}"])
    table(head, sorted(rows, key=lambda row: int(row[0])))


def scores() -> None:
    covered, names = shipped(), [*METRICS, *OPTIONAL]
    known = [name for name in names if (name, SHOWN[0], "t") in covered]
    print(SCORES_HEAD)
    for task in dict.fromkeys(row.task for row in measured() if row.population == POOLED):
        print(f"### {task}\n")
        own = least(row for row in measured() if row.task == task)
        rows = []
        for name in (name for name in names if (name, SHOWN[0], "t") in own):
            cells = [", ".join(percent(own[name, n, k]) for k in KINDS) for n in SHOWN]
            shown = ", ".join(kind(name, n, own) or "-" for n in SIZES)
            rows.append([f"`{name}`", *cells, shown])
        table(["score", *(f"n = {n}" for n in SHOWN), "shown"], rows)
        print()
    runs, every = COVERAGE["runs"](), measured()
    print(BOARD_HEAD.format(dead=(runs["status"] == "diverged").sum(), n=len(runs)))
    share = least(row._replace(coverage=row.shown) for row in every)
    alone = {
        (r.score, r.n): r.coverage for r in every if (r.population, r.kind) == ("one row", "t")
    }
    rows = []
    for name in known:
        at = [(name, n, "board") for n in SHOWN]
        seen = [
            f"{percent(covered[k]) if share[k] >= SEEN else '-'} ({percent(share[k])})" for k in at
        ]
        rows.append([f"`{name}`", *seen, *(percent(alone[name, n]) for n in SHOWN)])
    table(["score", *(f"board of {n}" for n in SHOWN), *(f"one row, t, {n}" for n in SHOWN)], rows)
    normal = {(r.n, r.kind): r.coverage for r in every if r.population == "gaussian"}
    told = ", ".join(f"{100 * normal[n, 't']:.1f}" for n in SHOWN)
    other = ", ".join(f"{100 * normal[n, 'bootstrap']:.1f}" for n in SHOWN)
    print(f"\nOn normal scores t covers {told} %, the bootstrap {other} %, at n = 8, 16, 64.")
    fid = runs[runs["task"] == "ring"]["fid"].dropna()
    print(WHY.format(n=len(fid), most=fid.max(), half=fid.median()))


def main() -> None:
    print(HEAD.strip())
    rates()
    scores()
    print(RANKS.strip() + "\n")
    rows = (2, 5, 10, 20, 50, 100)
    least_n = [f"{least_separable(k * (k - 1) // 2)}" for k in rows]
    table(["rows of a task", *map(str, rows)], [["least n", *least_n]])
    print(SHARED.format(told=shared(COVERAGE["runs"]())).rstrip())
    print(SEEDS)
    body = []
    for a, b in PAIRS:
        cells = [f"{power(a, b, n):.2f}" for n in (5, *SHOWN)]
        body.append([f"{a:g} against {b:g}", *cells, str(seeds_needed(a, b))])
    table(["rates", *(f"power at {n}" for n in (5, *SHOWN)), "seeds for 80 %"], body)
    print(END.rstrip())
    print(BOXES.rstrip())


if __name__ == "__main__":
    main()
