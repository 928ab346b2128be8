# The ROS distribution to build and run with, of those in constraints/: make demo DISTRO=kilted.
DISTRO ?= jazzy
PYTHON ?= python3
# What `make test` and `make test-kilted` test: make test-kilted TESTS=test/ros.
TESTS ?=
VENV ?= $(if $(filter jazzy,$(DISTRO)),.venv,.venv-$(DISTRO))
INSTALLED = $(VENV)/installed
# A process that ends unexpectedly ends the tests: pytest-xdist may wait for ever for what it was to test.
TOGETHER = --numprocesses 3 --max-worker-restart 0
# What takes its time is not ended by the limits of a test.
UNBOUNDED = --timeout 0 -o faulthandler_timeout=0
INTERFACES = $(wildcard msg/* srv/* third_party/*/* third_party/*/msg/*)
NATIVE = $(wildcard vision_service/native/*.cpp vision_service/native/*.h vision_service/native/CMakeLists.txt)

# How many cases `make fuzz` tries.
CASES ?= 10000

.PHONY: demo test demo-kilted test-kilted test-across stress chaos soak sanitize fuzz bench docs lint coverage release version \
    lock audit licences clean

# The first time without the tools of the tests and without the interfaces' C++; where all is installed, with that.
demo: $(if $(wildcard $(INSTALLED)),$(INSTALLED),$(VENV)/demo)
	$(VENV)/bin/vision-service demo

# Updated robots have newer releases of rclpy than the wheels are: test/newer_rclpy behaves as those do.
# The control page is tested in Chromium; where that cannot be installed, its tests are skipped.
test: $(INSTALLED) lint
	@command -v chromium >/dev/null || tools/install_system_packages chromium || echo "Going on without Chromium."
	$(VENV)/bin/pytest $(TOGETHER) --dist loadfile $(TESTS)
	for release in $(if $(filter jazzy,$(DISTRO)),7.1.9 10.0); do \
	    VISION_SERVICE_RCLPY=$$release $(VENV)/bin/pytest $(TOGETHER) -m executor || exit; \
	done

demo-kilted test-kilted: %-kilted:
	$(MAKE) DISTRO=kilted VENV=.venv-kilted $*

# Jazzy's nodes with Kilted's, both ways.
test-across: $(INSTALLED)
	$(MAKE) DISTRO=kilted VENV=.venv-kilted .venv-kilted/installed
	$(VENV)/bin/python tools/test_across_distributions $(VENV) .venv-kilted

# Minutes of load, outside of the quick suite.
stress: $(INSTALLED)
	$(VENV)/bin/pytest -m stress -s $(UNBOUNDED)

# Nodes are killed, stopped and broken in every way, ROUNDS times each (ONLY=killed: of one file of test/chaos), for an
# hour and a half; writes docs/reliability.md. As root it also tries full disks and a small /dev/shm, of its own.
chaos: $(INSTALLED)
	ROUNDS=$(ROUNDS) $(VENV)/bin/pytest -m chaos -s $(UNBOUNDED) $(if $(ONLY),test/chaos/test_$(ONLY).py,test/chaos)

# CALLERS callers for MINUTES minutes, CALLS calls at least; writes docs/reliability.md.
soak: $(INSTALLED)
	CALLS=$(CALLS) CALLERS=$(CALLERS) MINUTES=$(MINUTES) $(VENV)/bin/pytest -m soak -s $(UNBOUNDED) test/soak

# These ask package registries: uv locks what is installed (constraints/*.lock), pip-audit looks for known faults in it,
# and docs/licences.md says under which licences it is.
SUPPLY = $(VENV)-supply
$(SUPPLY): tools/requirements-supply.txt
	tools/install_system_packages
	$(PYTHON) -m venv $@
	$@/bin/pip install --quiet --requirement $<
	touch $@

lock: $(SUPPLY)
	$(SUPPLY)/bin/python -m tools.lock_dependencies

licences: $(SUPPLY)
	$(SUPPLY)/bin/python -m tools.licences

audit: $(SUPPLY)
	for lock in constraints/*.lock; do \
	    $(SUPPLY)/bin/pip-audit --strict --disable-pip --require-hashes --requirement $$lock || exit; \
	done

# The tests of what is C++, with it under GCC's sanitizers: a read or write beyond an array ends them.
sanitize: $(INSTALLED)
	tools/sanitize $(VENV)/bin/python

# Wild requests, messages, parameters and files, other ones each time; a small fixed set is part of `make test`.
fuzz: $(INSTALLED)
	FUZZ_CASES=$(CASES) $(VENV)/bin/pytest test/fuzz --verbose $(UNBOUNDED) --durations 0

# How fast we are beside others, which are installed for it: an hour or more; writes docs/benchmarks. ONLY=frame_path
# measures one. Two take much: yolo installs 6 GB (Ultralytics with PyTorch, in out/), fresh_machine builds two clones.
bench: $(INSTALLED)
	tools/install_system_packages cmake libpcl-dev libegl1 libgl1 libusb-1.0-0 iproute2
	$(VENV)/bin/pip install --quiet --requirement benchmarks/requirements.txt
	$(VENV)/bin/python -m benchmarks $(ONLY)

# The site, in out/docs: a link or an anchor that leads nowhere is an error. It needs no ROS.
DOCS = .venv-docs
$(DOCS)/installed: docs/requirements.txt
	tools/install_system_packages
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --requirement $<
	touch $@

docs: $(DOCS)/installed
	$(DOCS)/bin/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env --write-all --builder html docs out/docs
	@echo "Open out/docs/index.html"

lint: $(INSTALLED)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

# The suite once more with coverage, its processes included; ends with an error below the floor (pyproject.toml).
coverage: $(INSTALLED)
	$(VENV)/bin/pip install --quiet --requirement tools/requirements-coverage.txt
	rm -f out/coverage/data*
	$(VENV)/bin/pytest $(TOGETHER) --dist loadfile --cov --cov-report= $(TESTS)
	$(VENV)/bin/coverage html --quiet --fail-under 0
	$(VENV)/bin/coverage report --skip-covered --sort cover

# Into dist/: sdist, wheels of each distribution for each Python that is here, notes, checksums, of what is committed;
# then the demo from these wheels alone. It refuses a tree with changes, and a version that CHANGELOG.md does not have.
# make release PYTHONS="3.11 3.12"
release: $(INSTALLED)
	$(VENV)/bin/python -m tools.release $(if $(PYTHONS),--python $(PYTHONS))
	PYTHON=$(if $(PYTHONS),python$(firstword $(PYTHONS)),$(PYTHON)) tools/try_wheels dist

# make version VERSION=1.2.3: in all files that state it; CHANGELOG.md's unreleased entries become its own.
version: $(INSTALLED)
	$(VENV)/bin/python -m tools.release --set-version "$(VERSION)" "$$(date +%F)"

# Python sources are linked, so only these need another installation; of the C++ for point clouds, a compilation.
$(VENV)/demo: WHAT = .[all]
$(VENV)/demo: export VISION_SERVICE_PYTHON_ONLY = 1
# Most of what is installed is never imported, and Python compiles what is. To pip, 0 is yes where a name begins with NO.
$(VENV)/demo: export PIP_NO_COMPILE = 0
$(INSTALLED): WHAT = .[test]
$(INSTALLED) $(VENV)/demo: setup.py setup.cfg pyproject.toml package.xml CMakeLists.txt constraints/$(DISTRO).txt $(wildcard cmake/* scripts/* launch/* config/* models/*) $(INTERFACES) $(NATIVE)
	$(if $(filter-out $(NATIVE),$?),$(INSTALL),tools/compile_native $(VENV)/bin/python)
	touch $@

define INSTALL
tools/install_system_packages
$(PYTHON) -m venv $(VENV)
PIP_CONSTRAINT=constraints/$(DISTRO).txt PIP_BUILD_CONSTRAINT=constraints/$(DISTRO).txt \
	$(VENV)/bin/pip install --editable '$(WHAT)'
endef

clean:
	rm -rf $(VENV) .venv-kilted .venv-supply .venv-docs build dist install log out
