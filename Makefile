# Everything runs in a virtual environment of its own; nothing has to be installed first but
# Python 3.11 or newer and make.

PYTHON ?= python3
VENV   ?= .venv
SUITE  ?= smoke
BIN    := $(VENV)/bin
FLAGS  := $(if $(OUT),--out $(OUT)) $(if $(METHODS),--methods $(METHODS)) \
          $(if $(TASKS),--tasks $(TASKS)) $(if $(SEEDS),--seeds $(SEEDS)) \
          $(if $(SEED),--seed $(SEED)) $(if $(STEPS),--steps $(STEPS)) \
          $(if $(DEVICE),--device $(DEVICE))

.PHONY: bench compare report test test-all lint format perf perf-check docs notebooks clean

bench: $(VENV)/installed         ## train a suite: make bench SUITE=mode-collapse
	$(BIN)/ganbench run $(SUITE) $(FLAGS) --report

compare: $(VENV)/installed       ## what has changed: make compare A=results/old B=results/new
	$(BIN)/ganbench compare $(A) $(B)

test: $(VENV)/installed-test     ## the tests that take minutes
	$(BIN)/python -m pytest

test-all: $(VENV)/installed-test ## and the slow ones
	$(BIN)/python -m pytest -m "slow or not slow" --durations=10

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

perf: $(VENV)/installed-perf     ## speed beside PyTorch and the machine's ceiling: an hour, on a quiet machine
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/speed_page.py > docs/speed.md
	$(BIN)/python benchmarks/costs.py > benchmarks/costs.csv
	$(BIN)/python benchmarks/methods.py > docs/methods.md

perf-check: $(VENV)/installed-perf  ## whether a ratio is worse than in the committed table
	$(BIN)/python benchmarks/speed.py --rounds 1 --out build/speed
	$(BIN)/python benchmarks/speed_check.py build/speed

docs: $(VENV)/installed-docs     ## the site, into build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

notebooks: $(VENV)/installed-notebooks  ## execute them, into build/notebooks: RESULTS=results/smoke
	for n in notebooks/*.ipynb; do \
	  $(if $(RESULTS),RESULTS=$(abspath $(RESULTS))) $(BIN)/jupyter nbconvert --log-level ERROR \
	    --to notebook --execute --output-dir build/notebooks $$n || exit 1; done

report: $(VENV)/installed        ## a page of results that opens offline: make report DIR=results/smoke
	$(BIN)/ganbench report $(DIR)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable ".[test]"
	touch $(VENV)/installed $@

$(VENV)/installed-docs: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable ".[docs]"
	touch $(VENV)/installed $@

$(VENV)/installed-perf: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable ".[perf]"
	touch $(VENV)/installed $@

$(VENV)/installed-notebooks: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable ".[notebooks]"
	touch $(VENV)/installed $@

clean:
	rm -rf $(VENV) build
