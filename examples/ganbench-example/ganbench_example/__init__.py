"""One of everything that a package can add to ganbench."""

from pathlib import Path

SUITE = Path(__file__).with_name("example.toml")
