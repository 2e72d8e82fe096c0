"""A suite's figures beside a paper's, and a verdict on each of the paper's claims."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.axes import BoxTable
from ganbench.box import shapes_in
from ganbench.claims import (
    LEAST_RUNS,
    MOST_RUNS,
    Values,
    Verdict,
    named,
    planned,
    values,
    verdict,
)
from ganbench.diagnostics.outcome import STATUSES
from ganbench.intervals import interval
from ganbench.plan import groups
from ganbench.schema import ClaimTable, PublishedTable, RowTable, Suite, TaskTable, flat
from ganbench.statistics import share_interval

BINS = 10  # of a histogram


def page(suite: Suite, full: Suite | None, runs: pd.DataFrame) -> str:
    """What came out of `suite`, as Markdown: settings, figures, histograms and verdicts.

    Args:
        full: the full setting where `suite` is one scaled down; None where it is it.
    """
    of = Ran(suite, runs, planned(groups(suite)))
    about = [suite.about.strip()] if suite.about else []
    parts = [f"# {suite.name}", suite.summary, *about, _setting(suite, full)]
    if suite.published:
        parts += ["## Figures", _table(_FIGURES, (_figure(x, of) for x in suite.published))]
        parts += [_FIGURES_TOLD]
    parts += [_CLAIMS_TOLD]
    for claim in suite.claims:
        parts += [f"## {claim.says}", _said(claim, of)]
        if of.box(claim.task) is not None:
            parts += [_histogram(claim, of)]
    return "\n\n".join(parts) + "\n"


def verdicts(suite: Suite, runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Every claim with its verdict, as rows of `claims.csv`."""
    of = Ran(suite, runs, planned(groups(suite)))

    def row(claim: ClaimTable) -> dict[str, Any]:
        own = of.claimed(claim)
        told = {"says": claim.says, "verified": claim.verified, "task": claim.task}
        found = verdict(claim, own)._asdict()
        return {**told, "metric": claim.metric, **found, **_ended(claim, own)}

    return [row(claim) for claim in suite.claims]


class Ran(NamedTuple):
    """A suite with the rows of its `runs.csv`, and those that were planned."""

    suite: Suite
    runs: pd.DataFrame
    asked: pd.DataFrame

    def box(self, task: str) -> BoxTable | None:
        """The box that the task's runs are points of, if they are."""
        return self.suite.tasks[task].box

    def values(self, task: str, row: RowTable, metric: str) -> Values:
        """As `claims.values`."""
        return values(self.runs, self.asked, task, row, metric)

    def claimed(self, claim: ClaimTable) -> list[Values]:
        """What a claim's rows reached."""
        return [self.values(claim.task, row, claim.metric) for row in claim.rows]

    def references(self, of: ClaimTable | PublishedTable) -> list[Values]:
        """What noise and real data reach: a score's floor and ceiling."""
        return [self.values(of.task, RowTable(method=n), of.metric) for n in ("noise", "real")]


_FIGURES = ("row", "task", "score", "published", "ours [95 %]", "n", "`noise`", "`real`", "source")
_FIGURES_TOLD = (
    "Published figures are of the paper's setting, ours of the one above; `real` is what a perfect "
    "sampler scores with as many samples, `noise` what is scored before anything is learnt. Scores "
    "that end in `_ungated` are of all samples, other modes and divergences of those of high "
    "quality alone; divergences are from the true frequencies, in many papers from uniform ones. "
    "Means are of the runs that have the score; for a verdict one without counts as the worst "
    "there can be. What is marked unverified is recalled, or read off a picture; the rest stands "
    "in a repository or paper that was read."
)
_CLAIMS_TOLD = (
    "How the runs of a row ended says what a verdict compares: where none are `ok`, generators "
    "that have not learnt to draw, or that failed. `noise` and `real` are what is scored before "
    "anything is learnt, and by a perfect sampler. Ends of intervals may lie outside a score's "
    "range."
)


def _setting(suite: Suite, full: Suite | None) -> str:
    """What each task's setting is, and how far it is from the full one."""
    lines = []
    for task, table in suite.tasks.items():
        own = _keys(table)
        lines.append(f"* `{task}`: {_listed(own, list(own))}.")
        if full is not None:
            there = _keys(full.tasks[task])
            other = [k for k in {**own, **there} if own.get(k) != there.get(k)]
            lines.append(
                f"  The full setting, nearest to the paper's, has {_listed(there, other)}."
            )
    return "\n".join(lines)


def _keys(table: TaskTable) -> dict[str, Any]:
    return flat(table.model_dump(exclude_none=True))


def _listed(table: Mapping[str, Any], keys: Sequence[str]) -> str:
    return ", ".join(f"{key} {table[key]}" if key in table else f"no {key}" for key in keys)


def _figure(figure: PublishedTable, of: Ran) -> Sequence[str]:
    own = of.values(figure.task, figure, figure.metric)
    noise, real = of.references(figure)
    spread = "" if figure.spread is None else f" +- {figure.spread:g}"
    what = f" ({figure.spread_is})" if figure.spread_is else ""
    return (
        named(figure),
        figure.task,
        figure.metric,
        f"{figure.value:g}{spread}{what}{'' if figure.verified else ', unverified'}",
        _mean(figure.metric, own, figure.task),
        _counted(own),
        _mean(figure.metric, noise, figure.task),
        _mean(figure.metric, real, figure.task),
        figure.source,
    )


def _counted(own: Values) -> str:
    """How many runs, how many of them without a score, and how many were to be there."""
    n, without = len(own.scores), int((~own.known).sum())
    told = [f"{n}", *([f"{without} without one"] if without else [])]
    told += [f"{own.missing} missing"] if own.missing else []
    return ", ".join(told + ([f"{own.planned} planned"] if n + own.missing > own.planned else []))


def _ended(claim: ClaimTable, own: Sequence[Values]) -> dict[str, str]:
    """How the runs of each row ended, and the rows in which none did so `ok`."""
    rows = [named(row) for row in claim.rows]
    each = [f"{name}: {ended(x)}" for name, x in zip(rows, own, strict=True)]
    return {"ended": "; ".join(each), "none_ok": _none_ok(claim, own)}


def _none_ok(claim: ClaimTable, own: Sequence[Values]) -> str:
    """The rows of which no run ended `ok`: what a verdict is of, that compares them."""
    without = [named(r) for r, x in zip(claim.rows, own, strict=True) if "ok" not in x.statuses]
    return "any row" if len(without) == len(own) else " or ".join(without)


def ended(row: Values) -> str:
    """How many runs ended how, as in "5 collapsed, 3 ok"."""
    every = list(row.statuses)
    counts = {status.name: every.count(status.name) for status in STATUSES}
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n)


def _mean(metric: str, made: Values, task: str) -> str:
    """The mean over runs with an interval; over shapes' means, if runs have several."""
    if not made.known.any():
        return "-"
    if metric == "success":
        mean = float(made.scores.mean())
        low, high = map(float, share_interval(mean, made.apart()))
    else:
        scores = pd.Series(made.scores[made.known])
        if made.nets() > 1:
            scores = scores.groupby(made.shapes[made.known]).mean()
        mean, low, high, _ = interval(metric, scores.to_numpy(), task)
    told = f"{mean:.4g}"
    return told if np.isnan(low) else f"{told} [{low:.4g}, {high:.4g}]"


def _said(claim: ClaimTable, of: Ran) -> str:
    """The verdict on a claim in words, and the rows that it rests on."""
    own = of.claimed(claim)
    made = verdict(claim, own)
    tag = "" if claim.verified else " (unverified)"
    noise, real = of.references(claim)
    shown = [("`noise`", noise), *zip(map(named, claim.rows), own, strict=True), ("`real`", real)]
    rows = _table(
        ("row", claim.metric, "n", "ended"),
        ((name, _mean(claim.metric, x, claim.task), _counted(x), ended(x)) for name, x in shown),
    )
    seen = f"{made.effect} {made.observed:.2f} [{made.low:.2f}, {made.high:.2f}], n = {made.runs}"
    if made.verdict == "unfinished":
        seen = f"runs are missing, or were stopped, or are fewer than {LEAST_RUNS} a row"
    none = _none_ok(claim, own)
    told = made.verdict + (f", but no run of {none} ended `ok`" if none else "")
    needed = f"; {_needed(made, of.box(claim.task))}" if made.verdict == "inconclusive" else ""
    return f"**{told}**: {seen}{needed}. Claimed by {claim.source}{tag}.\n\n{rows}"


def _needed(made: Verdict, box: BoxTable | None) -> str:
    """Trained anew: who adds runs until they settle it finds something where there is nothing."""
    if made.n is None:
        return f"not even {MOST_RUNS:,} like runs are likely to settle it"
    unit = "a row" if box is None else f"shapes (of {shapes_in(box)} in the box)"
    return (
        f"n = {made.n:,} {unit}, trained anew, settle it in four of five such experiments: "
        f"reproduced in {made.chance_reproduced:.0%}, not in {made.chance_not:.0%}"
    )


def _histogram(claim: ClaimTable, of: Ran) -> str:
    """How many of each row's runs lie in each tenth of the range of all."""
    rows = of.claimed(claim)
    made = [own.scores[own.known & np.isfinite(own.scores)] for own in rows]
    edges = np.histogram_bin_edges(np.concatenate(made), BINS)
    counts = [np.histogram(x, edges)[0] for x in made]
    spans = zip(edges[:-1], edges[1:], strict=True)
    lines = [
        (f"{low:.3g} to {high:.3g}", *(str(count[i]) for count in counts))
        for i, (low, high) in enumerate(spans)
    ]
    beyond = [str(len(own.scores) - len(x)) for own, x in zip(rows, made, strict=True)]
    if any(count != "0" for count in beyond):
        lines.append(("infinite or none", *beyond))
    return _table((claim.metric, *map(named, claim.rows)), lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
