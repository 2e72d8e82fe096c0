"""Notebooks as they lie in the repository; `make notebooks` executes them."""

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path):
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 1
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)


def test_the_page_of_files_names_every_notebook():
    page = (Path(__file__).parents[1] / "docs/notebooks.md").read_text()
    assert len(NOTEBOOKS) == 5 and all(f"`{path.name}`" in page for path in NOTEBOOKS)
