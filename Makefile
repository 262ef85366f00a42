# `make demo` and `make test` need only Python 3.10-3.12 and pip; everything else goes into .venv.
VENV   ?= .venv
PYTHON ?= $(shell for p in python3.12 python3.11 python3.10 python3; do \
	$$p -c 'import sys, ensurepip; sys.exit(not (3,10) <= sys.version_info[:2] < (3,13))' 2>/dev/null && echo $$p && break; done)
STAMP   = $(VENV)/.installed
DEV     = $(VENV)/.installed-dev
DOCS    = $(VENV)/.installed-docs
TASKS   = $(VENV)-tasks
RUN     = $(VENV)/bin/python -m
CODE    = mer_core data_prep flow mer benchmarks

.PHONY: demo test test-tasks docs-test docker-test soak check docs install clean

demo: $(STAMP)
	$(VENV)/bin/mer demo --out demo

test: $(STAMP)
	OMP_NUM_THREADS=1 $(RUN) pytest -n auto --maxprocesses 4 --dist loadfile

# Landmarks, and own recordings from video to score, with a current MediaPipe and numpy 2. Needs a model file.
test-tasks: $(TASKS)/.installed
	@test -f "$(MER_FACE_MODEL)" || { echo "Name MediaPipe's model: make test-tasks MER_FACE_MODEL=face_landmarker.task (docs/install.md)" >&2; exit 1; }
	MER_FACE_MODEL="$(abspath $(MER_FACE_MODEL))" OMP_NUM_THREADS=1 $(TASKS)/bin/python -m pytest -rs \
		$(addprefix tests/data_prep/test_,landmarks.py face_model_file.py face_plausibility.py prepare.py) \
		tests/test_own_recordings_guide.py

# Runs every mer command that the README and the docs print, on small data: 5 minutes.
docs-test: $(STAMP)
	OMP_NUM_THREADS=1 $(RUN) pytest tests/documented_commands.py

# The Dockerfile's lines in a fresh virtual environment: minutes, and a package index.
docker-test: $(STAMP)
	MER_TEST_INSTALL=1 $(RUN) pytest tests/test_dockerfile.py

# Damaged inputs and killed commands, for hours; stop it at any time, the next call goes on. Not in CI.
MINUTES ?= 120
soak: $(STAMP)
	OMP_NUM_THREADS=1 $(RUN) benchmarks.soak --minutes $(MINUTES) --state soak --out soak/table.md

# Format, lint, types, and a search for duplicated code.
check: $(DEV)
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) pylint --disable=all --enable=duplicate-code $(CODE)

docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --strict

install: $(STAMP)

$(STAMP): setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "mer needs Python 3.10, 3.11 or 3.12 with the venv module. Install one (Debian: apt install python3-venv), or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --upgrade pip
	$(RUN) pip install --quiet $(PIP_ARGS) --editable ".[app,numba,test]"
	@touch $@

# On Python 3.13 the first line already installs what the second asks for.
$(TASKS)/.installed: setup.cfg pyproject.toml
	$(or $(shell python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null),$(PYTHON)) -m venv $(TASKS)
	$(TASKS)/bin/python -m pip install --quiet $(PIP_ARGS) --editable ".[numba,test]"
	$(TASKS)/bin/python -m pip install --quiet $(PIP_ARGS) --upgrade "mediapipe >= 1" "numpy >= 2" pyarrow opencv-contrib-python av
	@touch $@

$(DEV): $(STAMP)
	$(RUN) pip install --quiet $(PIP_ARGS) --editable ".[dev]"
	@touch $@

$(DOCS): $(STAMP)
	$(RUN) pip install --quiet $(PIP_ARGS) --editable ".[docs]"
	@touch $@

clean:
	rm -rf $(VENV) $(TASKS) demo site build dist *.egg-info
