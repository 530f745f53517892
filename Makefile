# Two commands do all the set-up: `make demo` and `make test`. Each builds .venv if it is absent.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Real inputs for development and CI, if there are any beside the checkout.
CFR_SHARED ?= ../shared
SHARED_AFLW2000 := $(wildcard $(CFR_SHARED)/data/aflw2000)

.PHONY: help demo test test-all check format ui clean

help:
	@echo "make demo      every table, every figure and a report, from nothing"
	@echo "make test      run the tests"
	@echo "make test-all  run the tests and the slow checks"
	@echo "make check     formatting, lint, types, import rules"
	@echo "make format    apply the formatting and the safe lint fixes"
	@echo "make ui        open the tracked runs at http://127.0.0.1:5000, on this machine only"
	@echo "make clean     remove .venv and caches (artifacts/ and data/ stay)"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else \
	  f"Python 3.11 or newer is needed, $(PYTHON) is {v[0]}.{v[1]}: call make PYTHON=/path/to/python3.11")'
	@echo "building $(VENV): this takes some minutes and several GB, once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,offline,cluster]'
	@touch $@

demo: $(STAMP)
	$(BIN)/python scripts/demo.py $(if $(CFR_DATA),,$(if $(SHARED_AFLW2000),--root $(SHARED_AFLW2000)))

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

test-all: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

ui: $(STAMP)
	MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
	  $(BIN)/mlflow ui --host 127.0.0.1 --port 5000 \
	  --backend-store-uri sqlite:///$(or $(CFR_ARTIFACTS),artifacts)/mlflow.db

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
