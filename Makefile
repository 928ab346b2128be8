VENV ?= .venv
INSTALLED = $(VENV)/installed
INTERFACES = $(wildcard msg/* srv/* third_party/*/* third_party/*/msg/*)

.PHONY: demo test stress lint clean

demo: $(INSTALLED)
	$(VENV)/bin/vision-service demo

test: $(INSTALLED) lint
	$(VENV)/bin/pytest --numprocesses 3 --dist loadfile

# Minutes of load, outside of the quick suite.
stress: $(INSTALLED)
	$(VENV)/bin/pytest -m stress -s

lint: $(INSTALLED)
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy

# Python sources are linked, so only these need another installation.
$(INSTALLED): setup.py setup.cfg pyproject.toml package.xml CMakeLists.txt $(wildcard cmake/* scripts/* launch/* config/* models/*) $(INTERFACES)
	tools/install_system_packages
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --editable .[test]
	touch $@

clean:
	rm -rf $(VENV) build install log out
