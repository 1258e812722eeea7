# Everything runs from .venv, which any of the targets below makes on first use.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
LOCKS := $(wildcard sandbox/services/lambda_/runtimes/npm/*/package-lock.json tests/clients/node/package-lock.json)
PORT ?= 4566
# `make compose-up TASKS=docker`: tasks of ECS are containers, for which the sandbox is given the engine's socket.
TASKS ?= process
DOCKER_SOCKET ?= /var/run/docker.sock
ifeq ($(TASKS),docker)
export DOCKER_SOCKET
export DOCKER_GID ?= $(shell stat -c %g $(DOCKER_SOCKET))
COMPOSE := docker compose -f docker-compose.yml -f docker-compose.tasks.yml
else
COMPOSE := docker compose
endif
# Keep compiled modules: without them every start compiles hundreds of files again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup scenarios test test-localstack contrast test-docker lint format bench sandbox-up sandbox-down \
  compose-up compose-down docs constraints clean

scenarios: setup ## run every story on virtual time and print the verdicts
	$(BIN)/sandbox run

test: setup ## run the tests
	$(BIN)/python -m pytest

test-localstack: setup ## the tests against LocalStack's own runtime (installed at the first use, 500 MB)
	$(BIN)/python -m tests.localstack.runtime install
	$(BIN)/python -m pytest tests/localstack

contrast: setup ## the same stories against LocalStack alone and through the sandbox
	$(BIN)/python -m tests.localstack.runtime install
	$(BIN)/python -m tests.localstack.contrast

test-docker: setup ## the tests that need a Docker engine; an image of LocalStack that is not there is stood in for
	$(BIN)/python -m tests.docker.images
	$(BIN)/python -m pytest tests/docker

lint: setup ## style, types, direction of imports, no wall clocks, docs up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/no_wall_clock.py sandbox mock_llm
	$(BIN)/python tools/fidelity_table.py --check

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measurements, as ratios where the machine is noisy
	$(BIN)/python -m benchmarks

sandbox-up: setup ## start the sandbox on port $(PORT) in the background
	$(BIN)/sandbox up --detach --port $(PORT)

sandbox-down: setup
	$(BIN)/sandbox down --port $(PORT)

compose-up: ## LocalStack, the sandbox (port 4566) and the mock model in containers
	$(COMPOSE) up --build --wait

compose-down: ## end them and remove what they left
	docker compose --profile workshop down --volumes --remove-orphans

docs: setup ## write the generated pages again
	$(BIN)/python tools/fidelity_table.py

setup: $(READY)

$(READY): pyproject.toml constraints.txt $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; choose one with make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m sandbox.services.lambda_.install --all
	$(BIN)/python -m tests.clients.install
	@touch $(READY)

constraints: setup ## pin what is installed now
	$(BIN)/python tools/constraints.py > constraints.txt

clean: ## remove everything that setup made
	rm -rf .venv .cache *.egg-info
