"""PacGAN's Table 1 beside a results folder, and what that says of the paper's two claims.

    python benchmarks/pacgan.py results/reference/pacgan-toy-short > docs/pacgan.md

Modes are counted by the paper's rule, one sample of high quality. A claim is held against the
difference of two rows' mean number of modes with its 95 % interval (Welch): it holds or fails where
the interval is on one side of what is claimed, else these runs do not say.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from ganbench.plan import is_current
from ganbench.results import read_runs
from ganbench.statistics import LEAST_RUNS, NULL, t_interval

METHODS = ("simultaneous", "pacgan+simultaneous")
# Lin et al., NeurIPS 2018, arXiv 1712.04086, Table 1 (its image in the authors' repository): mean
# and standard error of ten trials by the size of the packs; modes, high quality in %, reverse KL.
PUBLISHED = {
    "pacgan-ring": {
        1: ((6.3, 0.5), (98.2, 0.2), (0.45, 0.09)),
        2: ((7.9, 0.1), (95.6, 2.0), (0.07, 0.03)),
        3: ((7.8, 0.1), (97.7, 0.3), (0.10, 0.02)),
        4: ((7.8, 0.1), (95.9, 1.4), (0.07, 0.02)),
    },
    "pacgan-grid": {
        1: ((17.3, 0.8), (94.8, 0.7), (0.70, 0.07)),
        2: ((23.8, 0.7), (91.3, 0.8), (0.13, 0.04)),
        3: ((24.6, 0.4), (94.2, 0.4), (0.06, 0.02)),
        4: ((24.8, 0.2), (93.6, 0.6), (0.04, 0.01)),
    },
}
OURS = (("modes_any", 1.0, ".1f"), ("high_quality", 100.0, ".1f"), ("reverse_kl", 1.0, ".2f"))
T9 = float(stats.t.ppf(0.975, 9))  # ten trials: a standard error becomes an interval

MARGIN = 0.5  # of a mode: "no fewer" can only be said up to something

HEAD = """# PacGAN's Table 1

Made by `python benchmarks/pacgan.py {folder}`
from the runs of suite `{suite}`. Every figure is a mean with its 95 % interval: ours over n
runs, the published one over ten trials, mean -+ {t9:.2f} standard errors (Lin et al., arXiv
1712.04086, Table 1). The suite files `pacgan-toy` and `{suite}` say what differs from the
paper's setting: compare the order of the rows, not their level. A batch holds as many samples
whatever the packs, so larger packs are fewer judgements. Modes are counted by the paper's rule, one
sample of high quality in 2,500. Scores are of the runs that have them: where those are fewer than
n, the cell says how many; where all are alike, there is no interval. A verdict rests on its own
interval, not corrected for there being five a task; "no fewer" means by less than half a mode. The
setting was chosen on another base seed, where rows of both kinds were looked at.
"""


def packs(run: pd.Series) -> int:
    """How many samples the run's discriminator judged at once."""
    return int(json.loads(run["hyperparameters"]).get("pacgan.samples", 1))


def spelled(mean: float, low: float, high: float, form: str) -> str:
    return f"{mean:{form}}" + ("" if math.isnan(low) else f" [{low:{form}}, {high:{form}}]")


def rows(runs: pd.DataFrame, task: str) -> list[list[str]]:
    made = []
    for size, published in PUBLISHED[task].items():
        own = runs[runs["packs"] == size]
        cells = ["GAN" if size == 1 else f"PacGAN{size}", str(len(own))]
        for (name, scale, form), (mean, error) in zip(OURS, published, strict=True):
            found = t_interval(scale * own[name])
            fewer = f" (n = {found.n})" if found.n < len(own) else ""
            cells.append(spelled(found.mean, found.low, found.high, form) + fewer)
            cells.append(spelled(mean, mean - T9 * error, mean + T9 * error, form))
        made.append(cells)
    return made


def difference(more: np.ndarray, less: np.ndarray) -> tuple[float, float, float]:
    """Mean of `more` minus mean of `less`, and its interval; null with too few runs."""
    apart = float(more.mean() - less.mean())
    if min(len(more), len(less)) < LEAST_RUNS or np.ptp(more) == np.ptp(less) == 0:
        return apart, NULL, NULL
    low, high = stats.ttest_ind(more, less, equal_var=False).confidence_interval(0.95)
    return apart, float(low), float(high)


def verdict(low: float, high: float, margin: float) -> str:
    """Of the claim that a difference is above -`margin`, from its interval."""
    return "holds" if low > -margin else "fails" if high < -margin else "undecided"


def claims(runs: pd.DataFrame) -> list[list[str]]:
    scored = runs.dropna(subset="modes_any").groupby("packs")["modes_any"]
    modes = {size: values.to_numpy(float) for size, values in scored}
    asked = [("packing covers more modes than none", size, 1, 0.0) for size in (2, 3, 4)]
    asked += [("more packing covers no fewer", size, size - 1, MARGIN) for size in (3, 4)]
    made = []
    for claim, more, less, margin in asked:
        if more in modes and less in modes:
            apart, low, high = difference(modes[more], modes[less])
            n = f"{len(modes[more])} and {len(modes[less])}"
            shown = spelled(apart, low, high, "+.1f")
            made.append([claim, f"{more} against {less}", n, shown, verdict(low, high, margin)])
    return made


def table(head: list[str], body: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main() -> None:
    folder = Path(sys.argv[1])
    runs = read_runs(folder / "runs.csv")
    runs = runs[runs["method"].isin(METHODS) & runs.apply(is_current, axis=1)]
    runs = runs.assign(packs=[packs(run) for _, run in runs.iterrows()])
    print(HEAD.format(folder=folder, suite=folder.name, t9=T9))
    for task in PUBLISHED:
        own = runs[runs["task"] == task]
        print(f"## {task}\n")
        columns = ["modes", "published", "high quality %", "published", "reverse KL", "published"]
        print(table(["row", "n", *columns], rows(own, task)))
        print(table(["claim", "packs", "n", "difference in modes", "verdict"], claims(own)))


if __name__ == "__main__":
    main()
