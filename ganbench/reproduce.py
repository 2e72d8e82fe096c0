"""A suite's figures beside a paper's, and a verdict on each of the paper's claims."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganbench import suite as suites
from ganbench import sweep
from ganbench.claims import named, selected, values, verdict
from ganbench.errors import BadInput
from ganbench.intervals import interval
from ganbench.schema import ClaimTable, PublishedTable, RowTable, Suite, TaskTable, flat
from ganbench.store import write

BINS = 10  # of a histogram


def run(name: str, full: bool, out: Path | None, **how: Any) -> str:
    """Trains what is missing of a suite with claims, writes `reproduction.md` and `claims.csv` into
    its results folder, and returns the page.

    Args:
        name: a suite's name or file; `full` asks for its published setting.
        how: what else `sweep.run` takes.

    Raises:
        BadInput: as `sweep.run`; the suite makes no claims, or has no other setting than its own.
    """
    scaled, published = suites.settings(suites.find(name))
    if not scaled.claims:
        raise BadInput(f"reproduce: suite {scaled.name} makes no claims")
    if full and published is None:
        raise BadInput(f"--full: suite {scaled.name} has no other setting than its own")
    suite = published if full and published is not None else scaled
    folder = out or Path("results") / (f"{suite.name}-full" if full else suite.name)
    runs = sweep.run(suite, folder, **how).runs
    text = page(suite, None if full else published, runs)
    found = pd.DataFrame(verdicts(suite, runs))
    write(folder, {"claims.csv": lambda path: found.to_csv(path, index=False)})
    write(folder, {"reproduction.md": lambda path: path.write_text(text)})
    return text


def page(suite: Suite, full: Suite | None, runs: pd.DataFrame) -> str:
    """What came out of `suite`, as Markdown: settings, figures, histograms and verdicts.

    Args:
        full: the published setting where `suite` is one scaled down; None where it is it.
    """
    parts = [f"# {suite.name}", suite.summary, _setting(suite, full)]
    if suite.published:
        parts += ["## Figures", _table(_FIGURES, (_figure(x, runs) for x in suite.published))]
        parts += [_FIGURES_TOLD]
    for claim in suite.claims:
        parts += [f"## {claim.says}", _said(claim, runs)]
        if suite.tasks[claim.task].box is not None:
            parts += [_histogram(claim, runs)]
    return "\n\n".join(parts) + "\n"


_FIGURES = ("row", "task", "score", "published", "ours [95 %]", "n", "`real`", "source")
_FIGURES_TOLD = (
    "Published figures are of the published setting, ours of the one above; `real` is what a "
    "perfect sampler scores with as many samples. Modes and divergences of ours are of samples of "
    "high quality alone; many papers count every sample. What is marked unverified is recalled."
)


def _setting(suite: Suite, full: Suite | None) -> str:
    """What each task's setting is, and how far it is from the published one."""
    lines = []
    for task, table in suite.tasks.items():
        own = _keys(table)
        lines.append(f"* `{task}`: {_listed(own, list(own))}.")
        if full is not None:
            there = _keys(full.tasks[task])
            other = [k for k in {**own, **there} if own.get(k) != there.get(k)]
            lines.append(f"  The published setting has {_listed(there, other)}.")
    return "\n".join(lines)


def _keys(table: TaskTable) -> dict[str, Any]:
    return flat(table.model_dump(exclude_none=True))


def _listed(table: Mapping[str, Any], keys: Sequence[str]) -> str:
    return ", ".join(f"{key} {table[key]}" if key in table else f"no {key}" for key in keys)


def _figure(figure: PublishedTable, runs: pd.DataFrame) -> Sequence[str]:
    own = runs[runs["task"] == figure.task]
    made = values(own, figure, figure.metric)
    spread = "" if figure.spread is None else f" +- {figure.spread:g}"
    what = f" ({figure.spread_is})" if figure.spread_is else ""
    return (
        named(figure),
        figure.task,
        figure.metric,
        f"{figure.value:g}{spread}{what}{'' if figure.verified else ', unverified'}",
        _mean(figure.metric, made, figure.task),
        str(len(made)),
        _mean(figure.metric, values(own, RowTable(method="real"), figure.metric), figure.task),
        figure.source,
    )


def _mean(metric: str, made: np.ndarray, task: str) -> str:
    if not len(made):
        return "-"
    found = interval(metric, made, task)
    told = f"{found.mean:.4g}"
    return told if np.isnan(found.low) else f"{told} [{found.low:.4g}, {found.high:.4g}]"


def _said(claim: ClaimTable, runs: pd.DataFrame) -> str:
    """The verdict on a claim in words, and the rows that it rests on."""
    made = verdict(claim, runs)
    tag = "" if claim.verified else " (unverified: recalled, not read)"
    rows = _table(
        ("row", claim.metric, "n", "without samples"),
        (_row(claim, row, runs) for row in claim.rows),
    )
    seen = f"{made.effect} {made.observed:.2f} [{made.low:.2f}, {made.high:.2f}], n = {made.runs}"
    needed = "" if made.verdict != "inconclusive" else f"; {_needed(made.n)} would settle it"
    return f"**{made.verdict}**: {seen}{needed}. Claimed by {claim.source}{tag}.\n\n{rows}"


def _needed(n: int | None) -> str:
    return "no number of runs looked at" if n is None else f"n = {n:,} a row"


def _row(claim: ClaimTable, row: RowTable, runs: pd.DataFrame) -> Sequence[str]:
    own = runs[runs["task"] == claim.task]
    made = values(own, row, claim.metric)
    mine = own[selected(own, row)]
    dead = int(mine["status"].isin(["failed", "diverged"]).sum())
    return named(row), _mean(claim.metric, made, claim.task), str(len(made)), str(dead)


def _histogram(claim: ClaimTable, runs: pd.DataFrame) -> str:
    """How many of each row's points lie in each tenth of the range of all."""
    own = runs[runs["task"] == claim.task]
    made = [values(own, row, claim.metric) for row in claim.rows]
    finite = np.concatenate(made)
    edges = np.histogram_bin_edges(finite[np.isfinite(finite)], BINS)
    counts = [np.histogram(x, edges)[0] for x in made]
    spans = zip(edges[:-1], edges[1:], strict=True)
    return _table(
        (claim.metric, *map(named, claim.rows)),
        (
            (f"{low:.3g} to {high:.3g}", *(str(count[i]) for count in counts))
            for i, (low, high) in enumerate(spans)
        ),
    )


def _table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def verdicts(suite: Suite, runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Every claim with its verdict, as rows of `claims.csv`."""
    return [
        {"says": c.says, "verified": c.verified, "task": c.task, "metric": c.metric}
        | verdict(c, runs)._asdict()
        for c in suite.claims
    ]
