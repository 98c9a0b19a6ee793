# Two commands set everything up on a fresh machine with Python 3.11+: `make demo` and `make test`.
# uv resolves and installs when it can be had from the package index; plain pip does otherwise, and when uv cannot.
# Bytecode is compiled here, once: some environments never write it, and every start would compile Prefect, Ray, torch.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export RAY_USAGE_STATS_ENABLED := 0

# What pip is told by its environment, uv is told too.
UV_SEES_PIP := $(if $(PIP_FIND_LINKS),UV_FIND_LINKS="$(PIP_FIND_LINKS)") \
	$(if $(PIP_INDEX_URL),UV_DEFAULT_INDEX="$(PIP_INDEX_URL)") $(if $(PIP_EXTRA_INDEX_URL),UV_INDEX="$(PIP_EXTRA_INDEX_URL)")

.PHONY: demo test thorough check unit env clean-env

demo: env
	$(BIN)/cueworks generate flows/briefs/rpg.yaml

test: check
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile -m "not thorough"

thorough: env
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m thorough

check: env
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: env
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile -m "not thorough" tests/unit

env: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
		{ rm -rf $(VENV); echo "python3 cannot make a virtual environment; install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet uv && \
		$(UV_SEES_PIP) $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[dev]' || \
		$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@

clean-env:
	rm -rf $(VENV)
