# Two commands set everything up on a fresh machine with Python 3.11+: `make demo` and `make test`.
# uv resolves and installs when it can be had from the package index; plain pip does otherwise.
# Bytecode is compiled here, once: some environments never write it, and every start would compile Prefect, Ray and torch.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export RAY_USAGE_STATS_ENABLED := 0

.PHONY: demo test check unit env clean-env

demo: env
	$(BIN)/cueworks generate flows/briefs/rpg.yaml

test: check
	$(BIN)/python -m pytest

check: env
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: env
	$(BIN)/python -m pytest tests/unit

env: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	if $(BIN)/python -m pip install --quiet uv; then \
		UV_FIND_LINKS="$$PIP_FIND_LINKS" $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[dev]'; \
	else \
		$(BIN)/python -m pip install --quiet -e '.[dev]'; \
	fi
	touch $@

clean-env:
	rm -rf $(VENV)
