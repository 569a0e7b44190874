# Two commands do everything on a fresh machine:
#   make demo   installs once, explains the diabetes data, says where the report is
#   make test   the same environment, all checks and all tests
# And one measures: make bench, beside the peers, into benchmarks/RESULTS.md
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check kernel docs bench clean

demo: .venv/installed
	@$(KERNEL) || echo "The kernel could not be compiled; going on in plain torch, which is slower."
	@mkdir -p demo
	@$(BIN)/python examples/diabetes_table.py demo/diabetes.csv
	@$(BIN)/ascribe explain demo/diabetes.csv --target progression --out demo/report

test: kernel check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright

# Compiles what has changed in csrc. Where the installation found no compiler there is nothing to do, and plain torch runs.
KERNEL = test ! -e build/editable/build.ninja || $(BIN)/cmake --build build/editable -- --quiet
kernel: .venv/installed
	@$(KERNEL)

docs: .venv/installed
	$(BIN)/mkdocs build --strict

# torch first and pinned, so that nothing else pulls in another build of it. What builds the kernel is installed beside
# it and not in an environment that pip throws away, so that `make kernel` can go on where the installation ended.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) torch scikit-build-core nanobind cmake ninja
	$(INSTALL) --no-build-isolation --editable ".[dev]"
	@touch $@

bench: .venv-bench/installed
	@$(KERNEL)
	.venv-bench/bin/python -m benchmarks

# The peers, in an environment of their own that sees all of the first one: torch is installed once.
.venv-bench/installed: .venv/installed benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	first=$$($(BIN)/python -c "import site; print(site.getsitepackages()[0])") && \
	own=$$(.venv-bench/bin/python -c "import site; print(site.getsitepackages()[0])") && \
	echo "import site; site.addsitedir('$$first')" > "$$own/first.pth"
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement benchmarks/requirements.txt
	@touch $@

clean:
	rm -rf .venv .venv-bench demo site dist build src/ascribe/maths/kernels/_native.*.so
