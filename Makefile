# Hoplab's commands. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
INVENTORY ?= inventories/local
PATH := $(CURDIR)/.venv/bin:$(PATH)
# What the verification pack reads of the lab.
HOPLAB_LAB ?= $(CURDIR)/.lab/$(notdir $(INVENTORY))
# Of a snapshot.
NAME ?=
export PATH INVENTORY HOPLAB_LAB NAME
# Without what Python keeps of a module, each command compiles all that it imports: a second for each of Ansible's runs.
unexport PYTHONDONTWRITEBYTECODE

# TAKE=yes: also touch a living lab of another clone.
take := $(if $(filter yes,$(TAKE)),--extra-vars '{"lab_nodes_take": true}')
# PURGE=yes: down is asked to take off machines what the roles installed, too.
purge := $(if $(filter-out no,$(PURGE)),--extra-vars '{"lab_nodes_purge": true}')

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: env
env: ## Make the Python environment (done by every other command)
	@bin/setup

.PHONY: lab
lab: env ## Build the lab, launch an instance in it, prove every hop of a launch and show the report
	@bin/play playbooks/site.yml $(take)
	@hoplab launch --existing
	@hoplab report

.PHONY: check-machines
check-machines: env ## Find what keeps your machines from becoming nodes; changes nothing: INVENTORY=inventories/mine
	@bin/play playbooks/check_machines.yml --tags machine_check,machines_alone

.PHONY: launch
launch: env ## Launch a fresh instance and show the outcome
	@hoplab launch

.PHONY: verify
verify: env ## Launch an instance while the lab is recorded, and prove every hop of it
	@hoplab verify

.PHONY: stop
stop: env ## Stop all nodes; their data stays
	@bin/play playbooks/stop.yml $(take)

.PHONY: start
start: env ## Start all nodes again and wait until the cloud does its work
	@bin/play playbooks/start.yml $(take)

.PHONY: snapshot
snapshot: env ## Keep the state of the whole lab: NAME=before-lesson
	@bin/play playbooks/snapshot.yml $(take)

.PHONY: restore
restore: env ## Put a snapshot in place of the lab that is there: NAME=before-lesson
	@bin/play playbooks/restore.yml $(take)

.PHONY: snapshots
snapshots: env ## List the snapshots of all labs of this machine
	@bin/snapshots

.PHONY: snapshot-delete
snapshot-delete: env ## Remove a snapshot: NAME=before-lesson
	@bin/play playbooks/snapshot_delete.yml

.PHONY: down
down: env ## Remove all that the lab made on this machine; caches stay
	@bin/play playbooks/destroy.yml $(take) $(purge)

.PHONY: clean
clean: ## Take the lab down, and remove the caches and the Python environment, too
	@bin/clean --check
	@$(MAKE) --no-print-directory down
	@bin/clean

.PHONY: lint
lint: env ## Check style and types
	@bin/lint

.PHONY: unit
unit: env ## Run the unit tests
	@pytest -q --numprocesses 2 verify/tests tests/unit

.PHONY: check
check: env ## Check style and types and run the unit tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint unit

.PHONY: page
page: env ## Make the script of the report's page anew from verify/page
	@bin/page

.PHONY: browser
browser: env ## Test the report's page in headless Chromium (installs that if it is missing)
	@bin/chromium
	@pytest -q --numprocesses 2 -m browser tests/browser

.PHONY: molecule
molecule: env ## Test each role alone; ROLE=keystone: one of them; ALL=yes: also what passed before
	@bin/molecule $(ROLE)

.PHONY: test
test: env ## Run all tests: the checks, each role, the lab from nothing to nothing; ALL=yes: also what passed before
	@bin/test

.PHONY: mutants
mutants: env ## Change recorded runs at random, and see to it that none is proved wrongly; SEED=n: the same ones again
	@PYTHONPATH=verify python -m samples.mutants $(if $(SEED),--seed $(SEED))

.PHONY: drills
drills: env ## Carry out all drills in the lab, and write docs/drills.md (runs/drills.json has what is done already)
	@hoplab drill --all --page docs/drills.md

.PHONY: bench
bench: env ## Measure the numbers in docs/benchmarks.md
	@bin/bench

.PHONY: hops
hops: env ## Write docs/hops.md anew from the flow files
	@bin/hops-page

.PHONY: schemas
schemas: env ## Write docs/schemas/*.json anew, the JSON Schemas of lab.json, journey.json, report.json and comparisons
	@bin/schemas

.PHONY: readmes
readmes: env ## Write each role's README.md anew from its argument_specs
	@bin/role-readmes

.PHONY: drawings
drawings: ## Draw docs/*.svg anew from docs/*.dot (needs graphviz)
	@bin/drawings

.PHONY: pictures
pictures: env ## Make the pictures of the report's page in docs/ anew from recorded runs
	@bin/chromium
	@bin/pictures

.PHONY: lock
lock: env ## Write requirements.lock anew from requirements.in
	@bin/lock
