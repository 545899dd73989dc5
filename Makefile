# Each target makes .venv and installs the package first when it has to.

PYTHON ?= python3
# The versions that are installed; LOCK= takes the newest that pyproject.toml allows.
LOCK ?= constraints.txt
# Processes that run tests, and by how much their time limits are multiplied.
WORKERS ?= 2
export MSFUSION_TEST_PATIENCE ?= 1

BIN := .venv/bin
INSTALLED := .venv/installed-$(if $(LOCK),locked,newest)
# A core for each process; what one of them has compiled, others need not.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q \
	-n $(WORKERS) --dist worksteal --max-worker-restart 0
TRACED := $(subst -m pytest,-m coverage run -m pytest,$(PYTEST))

.DEFAULT_GOAL := help
.PHONY: help demo check test coverage lint format lock docs bench rooms clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## a slide and a cohort are made, encoded, judged and reported on, in demo/
	rm -rf demo
	$(BIN)/msfusion demo --out demo

check: lint ## lint and the quick tests: less than two minutes
	$(PYTEST) -m "not slow and not process and not browser"

test: lint ## lint and all tests; LOCK= installs the newest versions
	$(PYTEST) --durations 15

coverage: lint ## lint and all tests, which must run 90 % of the lines; a third slower
	$(BIN)/coverage erase
	$(TRACED) --durations 15
	@# A process that a test has killed leaves an empty file.
	find . -maxdepth 1 -name '.coverage.*' -size 0 -delete
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under=90 --skip-covered

lint: $(INSTALLED) ## style, types and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers $(WORKERS)
	$(BIN)/lint-imports

format: $(INSTALLED) ## style, mended where that is possible
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## the newest versions that pyproject.toml allows become constraints.txt
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --editable ".[test]"
	sed -n '/^#/p' constraints.txt > build/constraints.txt
	build/lock/bin/python -m pip freeze --exclude-editable >> build/constraints.txt
	mv build/constraints.txt constraints.txt

docs: $(INSTALLED) ## the documentation site, in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

bench: $(INSTALLED) ## the quick benchmarks; see benchmarks/README.md
	$(BIN)/python benchmarks/large_slide.py

rooms: $(INSTALLED) ## files per room, circles, namesakes
	$(BIN)/python tools/rooms.py

clean: ## what was made is removed, .venv too
	rm -rf .venv build demo .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(INSTALLED): pyproject.toml $(LOCK)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[test]" \
		$(if $(LOCK),--constraint $(LOCK),--upgrade --upgrade-strategy eager)
	rm -f .venv/installed*
	touch $@
