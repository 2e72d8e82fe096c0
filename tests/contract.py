"""Trains methods on one device, again on one, on two and on four: `python contract.py NAME ...`.

A process of its own, as JAX decides once how many devices a processor is. Exit code 1, with what
differs, if a bit of any record does.
"""

import sys

import jax
import numpy as np

from ganbench.budget import Budget
from ganbench.compilation_cache import use_compilation_cache
from ganbench.harness import prepared
from ganbench.program import Lane
from ganbench.registry import names_of, parameters
from ganbench.runtime import set_devices
from ganbench.tasks.catalogue import TASKS

LANES = 7  # blocks of two: on four devices at once, the last one padded
BUDGET = Budget(
    nets="mlp", width=8, depth=1, latent=2, batch=8, optimizer="adam", b1=0.5, b2=0.999,
    steps=20, evaluations=2, curve_samples=200, final_samples=400, block=2,
)  # fmt: skip


def records(name: str, devices: int) -> list[tuple[str, np.ndarray]]:
    """Every array of what each lane's training left behind, with where it is."""
    from ganbench.conformance.trial import small  # starts JAX

    values = small(name)
    traced = {f"{n}.{p.name}" for n in names_of(name) for p in parameters(n) if p.traced}
    own = {k: v for k, v in values.items() if k in traced}
    lanes = [Lane(3, i, {"learning_rate": 1e-2, **own}) for i in range(LANES)]
    static = {k: v for k, v in values.items() if k not in traced}
    made = prepared(TASKS["ring"](), name, static, lanes, BUDGET, jax.devices()[:devices])()[0]
    leaves = jax.tree_util.tree_leaves_with_path(made)
    return [(jax.tree_util.keystr(path), np.asarray(leaf)) for path, leaf in leaves]


def different(name: str) -> list[str]:
    first = records(name, 1)
    assert len(first) > 10 * LANES
    found = []
    for devices in (1, 2, 4):
        for (where, a), (_, b) in zip(first, records(name, devices), strict=True):
            if a.dtype != b.dtype or not np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"):
                found.append(f"{name} on {devices}: {where}")
    return found


def main() -> None:
    set_devices("cpu:4")
    use_compilation_cache()
    assert len(jax.devices()) == 4
    found = [line for name in sys.argv[1:] for line in different(name)]
    print(*found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
