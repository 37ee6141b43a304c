# Two commands do everything a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
STAMP   = $(VENV)/.installed-$(shell cksum setup.cfg pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)

.PHONY: help demo test lint types unit bench faults fuzz interop docs build clean

help:            ## Show this list
	@grep -E '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

$(STAMP):
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "opus-soap needs Python 3.11, 3.12 or 3.13; this is %d.%d. Name another: make PYTHON=python3.12 ..." % v)'
	@echo "Setting up $(VENV) (about a minute, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@rm -f $(VENV)/.installed-*
	@touch $@

demo: $(STAMP)   ## Run the whole loop with a synthetic municipality (ONCE=1: stop after the table)
	@$(BIN)/opus-soap demo $(if $(ONCE),--once)

test: $(STAMP) lint types unit  ## Everything that must hold before a commit

lint: $(STAMP)   ## Style and the one-way imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: $(STAMP)  ## mypy, strict
	@$(BIN)/mypy

unit: $(STAMP)   ## The tests, on SQLite and (when OPUS_SOAP_TEST_POSTGRES names one) PostgreSQL
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest --numprocesses=logical --maxprocesses=8 --dist=loadfile
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered | tail -n 40

faults: $(STAMP) ## The long kill-and-restart tests
	@OPUS_SOAP_TEST_KILLS=200 $(BIN)/python -m pytest tests/acceptance tests/faults

fuzz: $(STAMP)   ## Change signed messages in many places at once, for FUZZ_SECONDS (600)
	@OPUS_SOAP_TEST_FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) $(BIN)/python -m pytest -s tests/attacks/test_fuzz.py

interop: $(STAMP)  ## Other people's SOAP stacks call the server; as root on Debian, installs them (INTEROP_PEERS=php INTEROP_ARGS="-k php")
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[interop]'
	@$(BIN)/python -m tests.interop.peers $(INTEROP_PEERS)
	@OPUS_SOAP_TEST_INTEROP=1 $(BIN)/python -m pytest tests/interop $(INTEROP_ARGS)

bench: $(STAMP)  ## Measure: round trips, cost by body size, files of postings, WSS4J beside us; JSON and plots in bench/results
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@$(BIN)/python -m bench $(BENCH_ARGS)

docs: $(STAMP)   ## Regenerate the reference pages from the code
	@$(BIN)/python -m docs.generate

build: $(STAMP)  ## Wheel and source archive
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	@$(BIN)/python -m build

clean:           ## Remove what the other targets made
	rm -rf .venv .venv-* .tox build dist *.egg-info .coverage* .mypy_cache .ruff_cache .import_linter_cache .hypothesis var
