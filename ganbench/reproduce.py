"""`ganbench reproduce`: a suite with claims trained, and what came out written down."""

from pathlib import Path
from typing import Any

import pandas as pd

from ganbench import suite as suites
from ganbench import sweep
from ganbench.checks import check_claims
from ganbench.claims import planned
from ganbench.errors import BadInput
from ganbench.files import write
from ganbench.plan import groups
from ganbench.reproduction import page, verdicts


def run(
    name: str,
    full: bool = False,
    out: Path | None = None,
    seeds: int | None = None,
    seed: int | None = None,
    **how: Any,
) -> str:
    """Trains what is missing of a suite with claims, writes `reproduction.md` and `claims.csv` into
    its results folder, and returns the page.

    Args:
        name: a suite's name or file; `full` asks for its full setting, `seeds` for so many of every
            row, `seed` for another base seed.
        how: what else `sweep.run` takes.

    Raises:
        BadInput: as `sweep.run`; the suite makes no claims, or has no other setting than its own.
    """
    scaled, published = suites.settings(suites.find(name))
    if full and published is None:
        raise BadInput(f"--full: suite {scaled.name} has no other setting than its own")
    suite = published if full and published is not None else scaled
    if not suite.claims:
        raise BadInput(f"reproduce: suite {scaled.name} makes no claims")
    suite = suites.with_overrides(suite, seeds, seed)
    check_claims(suite, planned(groups(suite)))  # of fewer seeds a claim may have too few runs
    folder = out or Path("results") / (f"{suite.name}-full" if full else suite.name)
    runs = sweep.run(suite, folder, **how).runs
    text = page(suite, None if full else published, runs)
    found = pd.DataFrame(verdicts(suite, runs))
    write(folder, {"claims.csv": lambda path: found.to_csv(path, index=False)})
    write(folder, {"reproduction.md": lambda path: path.write_text(text)})
    return text
