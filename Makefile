# Two commands do everything on a fresh machine:
#   make demo   installs once, explains the diabetes data, says where the report is
#   make test   the same environment, all checks and all tests
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check docs clean

demo: .venv/installed
	@mkdir -p demo
	@$(BIN)/python examples/diabetes_table.py demo/diabetes.csv
	@$(BIN)/ascribe explain demo/diabetes.csv --target progression --out demo/report

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright

docs: .venv/installed
	$(BIN)/mkdocs build --strict

# torch first and pinned, so that nothing else pulls in another build of it.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv demo site dist build
