# make demo   a slide and a cohort are made, encoded, judged and reported on, in demo/
# make test   lint, types, import contract, tests with coverage
# make docs  the documentation site, in build/site
# make bench  the quick benchmarks; see benchmarks/README.md
# Each target makes .venv and installs the package first when it has to.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint docs bench clean

demo: .venv/installed
	rm -rf demo
	$(BIN)/msfusion demo --out demo

test: lint
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -q -n 2 --dist loadfile --max-worker-restart 0 --durations 15
	@# A process that a test has killed leaves an empty file.
	find . -maxdepth 1 -name '.coverage.*' -size 0 -delete
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under=90 --skip-covered

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

bench: .venv/installed
	$(BIN)/python benchmarks/large_slide.py

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

clean:
	rm -rf .venv build demo .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
