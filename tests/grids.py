"""A small suite on the grid, and what a results folder holds."""

import hashlib
from pathlib import Path

import pandas as pd

from ganbench.diagnostics.outcome import Rules
from ganbench.files import SUMS
from ganbench.schema import Suite

STEPS, EVERY = 1000, 50


def suite(methods, seeds=2, steps=STEPS, **table):
    """A small suite on the grid, as its file would say it."""
    budget = {
        **dict(seeds=seeds, steps=steps, evaluations=steps // EVERY, batch=64, latent=2),
        **dict(learning_rate=1e-3, b1=0.5, b2=0.999, nets="mlp", width=8, depth=1, block=2),
    }
    entries = [{"name": n, "source": "a test", **more} for n, more in methods.items()]
    return Suite.model_validate(
        {
            "name": "known-answers",
            "summary": "Generators whose outcome is known.",
            "outcome": Rules()._asdict(),
            "tasks": {"grid": budget | table},
            "methods": entries,
        }
    )


def unsealed(folder: Path) -> Path:
    """Removes all checksums of a results folder, so that a test may write into it."""
    for path in folder.rglob(SUMS):
        path.unlink()
    return folder


def contents(folder: Path) -> dict[str, object]:
    """Every file's bytes, tables without their measured columns; of `SHA256SUMS`, the names."""
    made: dict[str, object] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if path.suffix == ".csv":
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            keep = [c for c in frame if not c.startswith("cost_")]
            made[name] = frame[keep].to_csv()
        elif path.name == SUMS:
            made[name] = [line.split("  ")[1] for line in path.read_text().splitlines()]
        else:
            made[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return made
