"""The numeric contract: at a fixed block, the number of devices changes no bit of any method."""

import jax
import numpy as np
import pytest

from ganbench.budget import Budget
from ganbench.conformance.trial import small
from ganbench.harness import prepared
from ganbench.program import Lane
from ganbench.registry import METHODS, names_of, parameters
from ganbench.tasks.catalogue import TASKS

LANES, STEPS = 7, 20  # blocks of two: on four devices at once, the last one padded
#: One of each kind, with what a lane's place could change: averages, swaps, inner loops.
CHOSEN = ("real", "mdgan", "gap", "unrolled")


def records(name, devices):
    static = {f"{n}.{p.name}": p for n in names_of(name) for p in parameters(n) if not p.traced}
    values = small(name)
    traced = {k: v for k, v in values.items() if k not in static}
    lanes = [Lane(3, i, {"learning_rate": 1e-2, **traced}) for i in range(LANES)]
    budget = Budget(
        **dict(nets="mlp", width=8, depth=1, latent=2, batch=8, optimizer="adam", b1=0.5, b2=0.999),
        **dict(steps=STEPS, evaluations=2, curve_samples=200, final_samples=400, block=2),
    )
    own = {k: values[k] for k in static}
    task = TASKS["ring"]()
    made = prepared(task, name, own, lanes, budget, jax.devices()[:devices])()[0]
    return [np.asarray(leaf) for leaf in jax.tree.leaves(made)]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in CHOSEN else [pytest.mark.slow]) for n in METHODS]
)
def test_bit_equal_twice_and_on_one_two_and_four_devices(name):
    first, *others = (records(name, n) for n in (1, 1, 2, 4))
    assert len(first) > 10 * LANES
    for other in others:
        for a, b in zip(first, other, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
