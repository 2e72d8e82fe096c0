"""The command line as a user types it."""

import sys

import pytest

from ganbench.cli import main


def typed(monkeypatch, *words):
    """The exit code of `ganbench words...`."""
    monkeypatch.setattr(sys, "argv", ["ganbench", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code
