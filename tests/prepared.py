"""Image sets that tensorflow-datasets has prepared, where there are any."""

import os

import pytest

from ganbench.tasks.prepared import state


def needs(name):
    """Skips the calling test with the reason where image set `name` is not prepared.

    With CI set it fails: there the sets must be, or a broken reader would pass unseen.
    """
    found = state(name)
    if not found.ready():
        told = f"image set {name}: {found.reason}"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
