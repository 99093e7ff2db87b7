# The menu of the project: `make` alone prints it. Each target is a line or two; what it runs can be run by hand as well.

BIN := node_modules/.bin
TRACES := tests/fixtures/go-traces

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: node_modules/.package-lock.json ## install the development tools (only when the lock file is newer)

# npm writes this file at the end of an installation, so it is as old as the installation.
node_modules/.package-lock.json: package-lock.json
	npm ci --include=dev
	@touch $@

build: install ## bundle the library and the command into dist/, with declarations
	@node tools/build.mjs

check: install ## check the types: the whole project, then the core without Node and DOM
	$(BIN)/tsc -p tsconfig.json
	$(BIN)/tsc -p tsconfig.core.json

lint: install ## look for mistakes and for code that is not formatted
	$(BIN)/biome check --error-on-warnings

format: install ## format the code and apply the safe fixes of the linter
	$(BIN)/biome check --write

test: install ## run all tests; T=name runs the test files whose path contains it
	$(BIN)/vitest run $(VITEST_FLAGS) $(T)

mutants: install ## hunt every known bug of the collector with random programs; M='M06 M18' some of them
	@node tools/run.mjs mutants $(M)

cases: install ## look for every known bug of tests/sim/cases with every strategy; C='B01 reorder_20' some of them
	@node tools/run.mjs cases $(C)

fuzz: install ## random programs against the shipped collector: N=100000 programs of SEED=20140901
	@node tools/run.mjs fuzz $(if $(N),--n $(N)) $(if $(SEED),--seed $(SEED))

demo: build ## replay the log of a real Go program and compare the profile with Go's own
	@node dist/cli.js replay $(TRACES)/jsonwork/trace.log.gz --compare $(TRACES)/jsonwork

bench: build ## measure against the peers that are installed; B=name runs one
	@node bench/run.mjs $(B)

bench-compare: build ## compare two builds of ours pair by pair: A=dist-folder B=dist-folder, N=name
	@node bench/compare.mjs $(A) $(B) $(N)

golden: install ## rewrite the golden files of the tests; `git diff` shows what changed
	UPDATE_GOLDEN=1 $(BIN)/vitest run $(T)

kernel: install ## assemble the WebAssembly kernels of marking and sweeping (.wat) into the .ts beside them
	@node tools/kernel.mjs

lock: ## write package-lock.json anew after a dependency changed, without hosts
	npm install --package-lock-only
	@node tools/lock.mjs

ci: ## everything that must hold before a change is taken: tests, types, linter, build
	@.ci/run

clean: ## remove what build and test leave behind
	rm -rf dist coverage

.PHONY: help install build check lint format test mutants cases fuzz demo bench bench-compare golden kernel lock ci clean
.DEFAULT_GOAL := help
