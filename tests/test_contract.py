"""The numeric contract: at a fixed block, the number of devices changes no bit of any method.

That a lane equals its lone run in float64 is a property of `ganbench check`: test_conformance.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.registry import METHODS

#: Of each kind one, with what a lane's place could change: pairs that swap, inner loops.
CHOSEN = ("real", "gap", "unrolled")
OTHERS = [name for name in METHODS if name not in CHOSEN]
PARTS = 8


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(CHOSEN, id="chosen"),
        *(
            pytest.param(OTHERS[i::PARTS], id=OTHERS[i], marks=pytest.mark.slow)
            for i in range(PARTS)
        ),
    ],
)
def test_bit_equal_twice_and_on_one_two_and_four_devices(names):
    """With the options that are shipped, which a test's own process has not."""
    environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    script = Path(__file__).with_name("contract.py")
    done = subprocess.run(
        [sys.executable, script, *names],
        env=environment | {"JAX_COMPILATION_CACHE_DIR": os.environ["GANBENCH_TEST_CACHE"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def test_what_differs_is_seen(monkeypatch):
    import contract
    import numpy as np

    made = {1: np.arange(80.0), 2: np.arange(80.0), 4: np.arange(80.0)}
    made[4][7] = np.nextafter(7.0, 8.0)
    monkeypatch.setattr(contract, "records", lambda name, n: [("x", x) for x in made[n]])
    assert contract.different("gap") == ["gap on 4: x"]
