"""The page of all verdicts on published claims, from the reference results.

python benchmarks/reproductions.py > docs/reproductions.md
"""

from pathlib import Path

import pandas as pd

REFERENCE = Path(__file__).parents[1] / "results" / "reference"

HEAD = """# Reproductions

Made by `python benchmarks/reproductions.py` from `results/reference/*/claims.csv`, which
`ganbench reproduce SUITE` writes. Each suite trains a paper's setting scaled down to twenty minutes
on two cores, so a verdict says whether a claim holds there already, not whether its authors saw it;
`ganbench reproduce SUITE --full` trains what is nearest to the paper's own. Beside a `claims.csv`
`reproduction.md` has both, how far they are from the paper, its figures with ours, and histograms.

A claim is an order: that runs of a later row score higher. Its effect is Cliff's delta of a row and
the one before it, from -1 (all runs the other way round) to 1, with an interval of 95 % over runs,
in grids over shapes of nets; of several rows it is that of the least step. *Reproduced*: the
interval is above 0. *Not reproduced*: it holds 0 or less, and is below 0.33, from which on effects
are called medium. *Inconclusive*: neither; the last column says how many runs a row (in grids:
shapes), trained anew, settle it in four of five such experiments were these the truth, and in how
many of a hundred as reproduced and as not; it is empty where 10,000 do not. *Unfinished*: runs are
missing. Verified figures stand in the authors' repository or in another paper's that was read;
unverified ones are recalled, or read off a picture.
How the runs of each row ended says what a claim compares: at these few steps often generators of
which none has learnt to draw yet. A verdict of which a row has no run that ended `ok` names it.

| suite | claim | score | verdict | effect | n | runs ended, by row | n to settle |
|---|---|---|---|---|---|---|---|
"""


def row(suite: str, claim: pd.Series) -> str:
    effect = f"{claim.effect} {claim.observed:.2f} [{claim.low:.2f}, {claim.high:.2f}]"
    if claim.verdict == "unfinished":
        effect = ""
    says = claim.says + ("" if claim.verified else " (unverified)")
    needed = ""
    if not pd.isna(claim.n):
        chances = f"{100 * claim.chance_reproduced:.0f} / {100 * claim.chance_not:.0f}"
        needed = f"{claim.n:,.0f} ({chances})"
    told = claim.verdict
    if not pd.isna(claim.none_ok):
        told += f", but no run of {claim.none_ok} `ok`"
    cells = (f"`{suite}`", says, f"`{claim.metric}`", told, effect, claim.runs)
    each = "; ".join(row.split(": ")[1] for row in claim.ended.split("; "))
    cells = (*cells, each, needed)
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    rows = [
        row(path.parent.name, claim)
        for path in sorted(REFERENCE.glob("*/claims.csv"))
        for _, claim in pd.read_csv(path).iterrows()
    ]
    print(HEAD + "\n".join(rows))


main()
