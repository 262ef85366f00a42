# `make demo` and `make test` need only Python 3.10-3.12 and pip; everything else goes into .venv.
VENV   ?= .venv
PYTHON ?= $(shell for p in python3.12 python3.11 python3.10 python3; do \
	$$p -c 'import sys, ensurepip; sys.exit(not (3,10) <= sys.version_info[:2] < (3,13))' 2>/dev/null && echo $$p && break; done)
STAMP   = $(VENV)/.installed

.PHONY: demo test install clean

demo: $(STAMP)
	$(VENV)/bin/mer demo --out demo

test: $(STAMP)
	$(VENV)/bin/python -m pytest

install: $(STAMP)

$(STAMP): setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "mer needs Python 3.10, 3.11 or 3.12 with the venv module. Install one (Debian: apt install python3-venv), or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet $(PIP_ARGS) --editable ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) demo build dist *.egg-info
