"""PacGAN's Table 1 beside a results folder, and what that says of the paper's two claims.

    python benchmarks/pacgan.py results/reference/pacgan-toy-short > docs/pacgan.md

Modes are counted by the paper's rule, one sample of high quality. A claim is held against the
difference of two rows' mean number of modes with its 95 % interval (Welch): it holds or fails where
the interval is on one side, else these runs do not say.
"""

import json
import math
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from ganbench.results import read_runs
from ganbench.statistics import t_interval

# Lin et al., NeurIPS 2018, arXiv 1712.04086, Table 1: mean and standard error of ten trials, by the
# size of the packs: modes, high quality in %, reverse KL.
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

HEAD = """# PacGAN's Table 1

Made by `python benchmarks/pacgan.py {folder}` from the runs of suite `{suite}`. Every figure is a
mean with its 95 % interval: ours over n runs, the published one over ten trials, mean -+ {t9:.2f}
standard errors (Lin et al., arXiv 1712.04086, Table 1). The suite file says what differs from the
paper's setting: compare the order of the rows, not their level. Modes are counted by the paper's
rule, one sample of high quality in 2,500.
"""


def packs(run: pd.Series) -> int:
    """How many samples the run's discriminator judged at once."""
    return int(json.loads(run["hyperparameters"]).get("pacgan.samples", 1))


def spelled(mean: float, low: float, high: float, form: str) -> str:
    if math.isnan(low):
        return f"{mean:{form}}"
    return f"{mean:{form}} [{low:{form}}, {high:{form}}]"


def rows(runs: pd.DataFrame, task: str) -> list[list[str]]:
    made = []
    for size, published in PUBLISHED[task].items():
        own = runs[runs["packs"] == size]
        cells = ["GAN" if size == 1 else f"PacGAN{size}", str(len(own))]
        for (name, scale, form), (mean, error) in zip(OURS, published, strict=True):
            found = t_interval(scale * own[name])
            cells.append(spelled(found.mean, found.low, found.high, form))
            cells.append(spelled(mean, mean - T9 * error, mean + T9 * error, form))
        made.append(cells)
    return made


def difference(more: np.ndarray, less: np.ndarray) -> tuple[float, float, float]:
    """Mean of `more` minus mean of `less`, and its interval; both ends the mean if none varies."""
    apart = float(more.mean() - less.mean())
    if np.ptp(more) == np.ptp(less) == 0:
        return apart, apart, apart
    low, high = stats.ttest_ind(more, less, equal_var=False).confidence_interval(0.95)
    return apart, float(low), float(high)


def verdict(low: float, high: float, least: str) -> str:
    """Of the claim that a difference is "positive", or that it is "not negative"."""
    if low > 0 or (least == "not negative" and low == 0):
        return "holds"
    return "fails" if high < 0 or (least == "positive" and high == 0) else "undecided"


def claims(runs: pd.DataFrame) -> list[list[str]]:
    modes = {size: group["modes_any"].to_numpy(float) for size, group in runs.groupby("packs")}
    sizes = sorted(modes)
    asked = [("packing covers more modes than none", a, 1, "positive") for a in sizes[1:]]
    asked += [
        ("more packing covers no fewer", a, b, "not negative") for b, a in pairwise(sizes[1:])
    ]
    made = []
    for claim, more, less, least in asked:
        apart, low, high = difference(modes[more], modes[less])
        shown = f"{apart:+.1f} [{low:+.1f}, {high:+.1f}]"
        made.append([claim, f"{more} against {less}", shown, verdict(low, high, least)])
    return made


def table(head: list[str], body: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main() -> None:
    folder = Path(sys.argv[1])
    runs = read_runs(folder / "runs.csv")
    runs = runs[~runs["method"].isin(["real", "held-out", "noise"])]
    runs = runs.assign(packs=runs.apply(packs, axis=1))
    print(HEAD.format(folder=folder, suite=folder.name, t9=T9))
    for task in PUBLISHED:
        own = runs[runs["task"] == task]
        print(f"## {task}\n")
        columns = ["modes", "published", "high quality %", "published", "reverse KL", "published"]
        print(table(["row", "n", *columns], rows(own, task)))
        print(table(["claim", "packs", "difference in modes", "verdict"], claims(own)))


main()
