# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-remote bench setup check lock clean

demo: setup
	$(BIN)/scraper demo

test: setup check
	$(BIN)/pytest -q -n auto --dist loadscope --no-loadscope-reorder

# Against the cluster that Flyte is configured for; tests/live says what else it needs.
test-remote: setup
	$(BIN)/pytest -q -rs --live tests/live

bench: setup .venv-bench/.installed
	$(BIN)/python bench/compare.py --latency
	$(BIN)/python bench/local_mode.py
	$(BIN)/python bench/durability.py
	$(BIN)/python bench/extract.py
	$(BIN)/python bench/lists.py

check: setup
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/mypy

setup: .venv/.installed

.venv/.installed: requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# The tools that we compare ourselves with: none of them is needed otherwise.
.venv-bench/.installed: bench/requirements-peers.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# Run after a change of the dependencies in pyproject.toml.
lock:
	$(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate -p 3.11 --extra cluster pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate -p 3.11 --extra cluster --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean:
	rm -rf .venv .venv-bench .mypy_cache .pytest_cache .ruff_cache crawls
