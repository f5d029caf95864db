# demo and test set up all that they need; check and bench use the same environment as test.
#   make demo            the main job on embedded defaults     make demo ARGS="--fast"
#   make test            Debian packages, environment, tests   make test ARGS="tests/bridge -x"
#   make check           lint, format, types, imports, generated files
#   make coverage        branches of what stops machines: 100 % is asked for
#   make mutants         is every wrong change noticed?     make mutants MODULE=frames
#   make firmware        the C firmware: host program and library, Cortex-M image, sizes
#   make bench           all benches, results in docs/figures  make bench ARGS=--quick

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=
# the benches and tests are for small machines: one thread a library
export OMP_NUM_THREADS      ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export NUMBA_NUM_THREADS    ?= 1
# bytecode is kept, as on a device where the agent is installed: a program that compiles its sources at each start
# is slower and larger than any that users run
unexport PYTHONDONTWRITEBYTECODE
# many tests wait for programs: two files at a time   make test WORKERS=0 ARGS="tests/bridge -x"
WORKERS ?= 2

.PHONY: demo test check bench coverage firmware mutants setup-test clean help

help:
	@sed -n 's/^#  *\(make .*\)/\1/p' Makefile

demo: $(VENV)/demo.done
	@$(BIN)/jidoka demo $(ARGS)

# kernels are compiled once before: else the first test of each that needs one waits for it, twice
test: setup-test
	@$(BIN)/python -c "from jidoka.monitor.kernels.warm import warm; warm(is_closed=False)"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/registers.py --check
	$(BIN)/python tools/configuration_docs.py --check
	$(BIN)/python tools/reference_docs.py --check
	$(BIN)/python tools/tap_header.py --check
	$(BIN)/python tools/telemetry_docs.py --check
	$(BIN)/python tools/interlock_docs.py --check
	$(BIN)/python tools/alarms_docs.py --check
	$(BIN)/python tools/prometheus_files.py --check
	$(BIN)/vermin --target=3.8- --violations --no-tips agent/jidoka_tap
	$(BIN)/python tools/figures_docs.py --check

bench: setup-test $(VENV)/bench.done
	@status=0; for bench in tools/bench/[a-z]*.py; do \
	  echo "== $$bench"; \
	  $(BIN)/python "$$bench" $(ARGS) $(if $(findstring --quick,$(ARGS)),,--json docs/figures/$$(basename "$$bench" .py).json) || status=1; \
	done; $(if $(findstring --quick,$(ARGS)),,$(BIN)/python tools/figures_docs.py;) exit $$status

coverage: setup-test
	@$(BIN)/python -m tools.branch_coverage $(ARGS)

mutants: setup-test $(VENV)/mutants.done
	@$(BIN)/python -m tools.mutants $(MODULE) --report docs/mutants

firmware: $(VENV)/python.done
	@sh tools/setup/debian_packages.sh gcc gcc-arm-none-eabi libc6-dev qemu-system-arm
	@$(MAKE) --no-print-directory -s -C firmware_bridge/firmware all size PYTHON=$(abspath $(BIN)/python)

setup-test: $(VENV)/test.done
	@sh tools/setup/debian_packages.sh mosquitto mosquitto-clients postgresql gcc libc6-dev qemu-system-arm gcc-arm-none-eabi cppcheck libmodbus5 prometheus clang-14 libclang-rt-14-dev

$(VENV)/python.done:
	@sh tools/setup/python_environment.sh "$(PYTHON)" "$(VENV)"
	@touch $@

$(VENV)/demo.done: $(VENV)/python.done pyproject.toml
	@echo "jidoka: installing what the demonstration needs into $(VENV) (about a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location -e ".[demo]"
	@touch $@

$(VENV)/bench.done: $(VENV)/test.done
	@echo "jidoka: installing the peers that the benches measure against into $(VENV) (about a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location -e ".[bench]"
	@touch $@

$(VENV)/mutants.done: $(VENV)/test.done
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location -e ".[mutants]"
	@touch $@

$(VENV)/test.done: $(VENV)/python.done pyproject.toml
	@echo "jidoka: installing what the tests need into $(VENV) (about a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location -e ".[demo,test]"
	@touch $@

clean:
	rm -rf $(VENV) .jidoka build dist
