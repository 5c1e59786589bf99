# `make demo` shows it working, `make test` runs every check.
# Each sets up everything that it needs; the rest of the targets are the pieces of the two.

PYTHON ?= python3
ARGS ?=
# Of `make newest`: another release of Airflow than the newest in the range, such as a beta; pip warns that it is.
AIRFLOW ?=
ROWS ?= 2000000
WORKLOADS ?= W1,W2
# Of each block, and of each answer; empty: the sink takes what comes, at once.
PACE ?=
LATENCY ?=

BIN := .venv/bin
CONSTRAINTS := --constraint constraints.txt --build-constraint constraints.txt
# pip's lines go to a file, which is named when something fails; one line of ours says how far it is.
QUIETLY := $(BIN)/python example_dags/demo/quietly.py build/install.log
NEWEST := .venv-newest
# Touched last: an installation that was interrupted has none and is taken up again.
CAN_RUN_DEMO := .venv/can-run-demo
CAN_RUN_CHECKS := .venv/can-run-checks

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test newest check lint types layers docs reference unit screenshots scheduled simulate mutants torture fuzz bench memory picture format wheel setup constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "PYTHON=python3.13 chooses the interpreter of a new .venv; ARGS='tests/core -k window' goes to pytest."

demo: $(CAN_RUN_DEMO) ## load Kafka records into a local MaxCompute table, and rerun it
	@PYTHONPATH=example_dags $(BIN)/python -m demo

test: lint types layers docs unit ## run every check

# What a user of today installs, and what the checks above do not: constraints.txt is behind it.
# Made anew each time, because pip leaves alone what is new enough.
newest: .venv/has-pip ## install the newest releases that the ranges allow, run core tests and demo: AIRFLOW=3.4.0b2 for a beta
	@$(BIN)/python -m venv --clear $(NEWEST)
	@$(NEWEST)/bin/python -m pip install --quiet --upgrade pip
	@$(QUIETLY) "Installing the newest releases into $(NEWEST)" -- \
		$(NEWEST)/bin/python -m pip install --editable '.[local]' --group broker --group test
	@$(if $(AIRFLOW),$(NEWEST)/bin/python -m pip install --quiet 'apache-airflow==$(AIRFLOW)')
	@PYTHONPATH=tests $(NEWEST)/bin/python -m kit.newer constraints.txt
	$(NEWEST)/bin/pytest --numprocesses 2 --dist loadfile tests/core tests/decoding tests/contracts $(ARGS)
	@PYTHONPATH=example_dags $(NEWEST)/bin/python -m demo

# On the checkout, not on the wheel, and without broker, Airflow or endpoint.
check: lint types layers ## what one wants after each edit: lint, types, layers, the core's tests; ARGS go to pytest
	$(BIN)/pytest --numprocesses 2 tests/core tests/project $(ARGS)

lint: $(CAN_RUN_CHECKS) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(CAN_RUN_CHECKS) ## mypy --strict
	$(BIN)/mypy

layers: $(CAN_RUN_CHECKS) ## import-linter: who may import whom
	$(BIN)/lint-imports

docs: $(CAN_RUN_CHECKS) ## build the docs into build/docs, warnings are errors
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --jobs 2 -d build/doctrees docs build/docs

reference: $(CAN_RUN_CHECKS) ## write docs/reference from the docstrings, and the copies of example DAGs in docs
	@PYTHONPATH=tests:example_dags $(BIN)/python -m kit.written_pages

# The wheel goes first on the path and the current folder nowhere, also in the processes that tests start.
# Two at a time: many tests wait for a broker, a scheduler or a statement.
unit: wheel ## run the tests on the built wheel; ARGS go to pytest
	PYTHONPATH=build/site PYTHONSAFEPATH=1 BUILT_WHEEL=build/site $(BIN)/pytest --numprocesses 2 --dist loadfile $(ARGS)

bench: $(CAN_RUN_CHECKS) ## measure ours and the other ways; ROWS=2000000 WORKLOADS=W1,W2 PACE=10MB LATENCY=50ms ARGS='--rounds 3'
	@PYTHONPATH=tests:example_dags $(BIN)/python -m benchmarks --rows $(ROWS) --workloads $(WORKLOADS) \
		--pace '$(PACE)' --latency '$(LATENCY)' $(ARGS)

memory: $(CAN_RUN_CHECKS) ## measure what loads take of max_memory, into fast and slow sinks: ARGS='--lanes 16 --seconds 20'
	@PYTHONPATH=tests:example_dags $(BIN)/python -m benchmarks.memory --rows $(ROWS) $(ARGS)

screenshots: $(CAN_RUN_CHECKS) ## make the pictures of docs/ui.md again
	SCREENSHOTS=build/screenshots $(BIN)/pytest tests/ui/test_task_page.py tests/ui/test_windows_page.py $(ARGS)
	@cp $(addprefix build/screenshots/,$(notdir $(wildcard docs/pictures/*.png))) docs/pictures/

scheduled: $(CAN_RUN_CHECKS) ## play the histories under a real scheduler, which `make test` does, too
	$(BIN)/pytest tests/scheduled $(ARGS)

simulate: $(CAN_RUN_CHECKS) ## play histories of loads against their promise: HISTORIES=1000000 SEED=7 FAULTS=3
	WHOLE=1 HISTORIES=$(or $(HISTORIES),100000) SEED=$(SEED) FAULTS=$(FAULTS) $(BIN)/pytest tests/simulation --timeout 0 \
		--numprocesses 2 $(ARGS)

# Each change is made in a copy of the package; the checkout stays as it is.
mutants: $(CAN_RUN_CHECKS) ## remove each guard of the delivery code and see what notices: ARGS='fewer rows', ARGS=--model
	@PYTHONPATH=tests:example_dags $(BIN)/python -m mutants $(ARGS)

torture: $(CAN_RUN_CHECKS) ## kill, disturb and rerun loads at random: STEPS=2000 SEED=7
	TORTURE_STEPS=$(STEPS) TORTURE_SEED=$(SEED) $(BIN)/pytest tests/delivery/test_walk.py -k no_walk --capture=no $(ARGS)

fuzz: $(CAN_RUN_CHECKS) ## change brokers' answers and tunnel bodies at random: SECONDS=600 SEED=7
	FUZZ_SECONDS=$(or $(SECONDS),600) FUZZ_SEED=$(SEED) $(BIN)/pytest tests/decoding/test_fuzz.py tests/local/test_fuzz.py \
		--capture=no $(ARGS)

picture: $(CAN_RUN_CHECKS) ## draw docs/layers.svg from the contracts of import-linter
	PYTHONPATH=tests $(BIN)/python -m kit.layers_picture

format: $(CAN_RUN_CHECKS) ## let ruff fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Built from the sdist, as a packager would: a file that the sdist lacks is noticed here.
wheel: $(CAN_RUN_CHECKS) ## build sdist and wheel into build/dist, unpack the wheel into build/site
	@rm -rf build/dist build/site
	$(BIN)/pyproject-build --no-isolation --outdir build/dist
	$(BIN)/python -m pip install --quiet --no-deps --target build/site build/dist/*.whl

setup: $(CAN_RUN_CHECKS) ## create .venv with everything, for an editor

constraints: ## pin what pyproject.toml asks for; ARGS=--upgrade takes the newest
	@$(PYTHON) -m venv build/uv && build/uv/bin/python -m pip install --quiet uv
	build/uv/bin/uv pip compile --quiet $(ARGS) --universal --python-version 3.11 --no-header --no-annotate \
		--extra local --group dev --group beside --output-file constraints.txt pyproject.toml

clean: ## remove all that the other targets made, .venv too
	rm -rf .venv $(NEWEST) build .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.venv/has-pip: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, but \`$(PYTHON)\` is `$(PYTHON) --version 2>&1`."; \
		echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.13"; exit 1; } >&2
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt pip
	@touch $@

$(CAN_RUN_DEMO): .venv/has-pip pyproject.toml constraints.txt
	@$(QUIETLY) "Installing what the demo needs into .venv; the first time this takes about two minutes" -- \
		$(BIN)/python -m pip install $(CONSTRAINTS) --editable '.[local]' --group broker
	@touch $@

$(CAN_RUN_CHECKS): .venv/has-pip pyproject.toml constraints.txt
	@$(QUIETLY) "Installing what the checks need into .venv; the first time this takes about two minutes" -- \
		$(BIN)/python -m pip install $(CONSTRAINTS) --editable '.[local]' --group dev
	@touch $(CAN_RUN_DEMO) $@
