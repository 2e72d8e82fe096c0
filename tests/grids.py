"""A small suite on the grid."""

from ganbench.diagnostics.outcome import Rules
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
