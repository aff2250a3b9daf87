# Two commands do everything: `make train` and `make test`. Both make a virtual environment, install what is needed and
# build the extension first; the second time they find it done.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Arguments for `make train` and `make bench`, such as ARGS="--seed 1 --steps 500".
ARGS   ?=
# Of `make fuzz`: seconds for each reader of files; OPTIONAL=1 skips it where atheris cannot be installed.
SECONDS_EACH ?= 30
OPTIONAL ?=
# Folder for what `make gpu-check` writes; empty: benchmarks/results/ and the device's name. COMMIT names the tree there.
OUT    ?=
COMMIT ?=

export PATH := $(abspath $(BIN)):$(PATH)

# Test files run side by side, as many as there are cores, at most eight, each with one thread unless it asks for more.
# Threads that wait give way soon.
test test-python test-slow fuzz: export GOMP_SPINCOUNT ?= 1000
test test-python test-slow: export OMP_NUM_THREADS ?= 1
PYTEST := -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

CSRC   := $(shell find csrc -type f)
NATIVE := $(shell find csrc tests/native -name '*.h' -o -name '*.cpp' -o -name '*.cu')

.PHONY: help install build train test test-python test-native test-threads test-slow fuzz cuda-build gpu-check bench docs lint format clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

$(VENV)/.installed: pyproject.toml constraints.txt setup.py setup_cuda.py infogan_fast/version.py $(CSRC)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch numpy setuptools wheel ninja pybind11
	$(BIN)/pip install --quiet --constraint constraints.txt --no-build-isolation --editable '.[train,bench,dev]'
	touch $@

install: $(VENV)/.installed  ## virtual environment, dependencies, extension

build:  ## compile what has changed under csrc/, in place (after `make install`)
	$(BIN)/python setup.py build_ext --inplace
	touch $(VENV)/.installed

train: install  ## train an InfoGAN on 5,000 real digits, one to five minutes on two cores (ARGS="--help")
	$(BIN)/infogan-fast train $(ARGS)

test: install test-native test-threads test-python  ## the tests: C++ under sanitizers, then Python

test-native: install
	cmake -S . -B build/native -G Ninja -DINFOGAN_FAST_SANITIZE=address
	cmake --build build/native
	ctest --test-dir build/native --output-on-failure

test-threads: install
	cmake -S . -B build/native-threads -G Ninja -DINFOGAN_FAST_SANITIZE=thread
	cmake --build build/native-threads
	ctest --test-dir build/native-threads --output-on-failure

test-python: install
	$(BIN)/python $(PYTEST)

test-slow: install  ## the tests that take longer than a few seconds each
	$(BIN)/python $(PYTEST) -m slow

fuzz: install  ## coverage-guided fuzzing of every reader of files, two side by side (SECONDS_EACH=30)
	-$(BIN)/pip install --quiet --constraint constraints.txt --only-binary atheris atheris
	$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS_EACH) $(if $(OPTIONAL),--optional)

cuda-build:  ## compile the CUDA kernels for machines without a GPU and check the result
	.ci/cuda_build

gpu-check:  ## what needs a GPU, in eight minutes, with python3's own torch: build, tests, sanitizers, speed
	$(PYTHON) -m benchmarks.gpu_check $(if $(OUT),--out $(OUT)) $(if $(COMMIT),--commit $(COMMIT))

bench: install  ## the ops and the training step against plain PyTorch, side by side (ARGS="--help")
	$(BIN)/infogan-fast bench $(ARGS)

docs: install  ## the documentation, into build/docs
	$(BIN)/pip install --quiet --constraint constraints.txt mkdocs 'mkdocstrings[python]'
	$(BIN)/mkdocs build --strict --quiet

lint: install  ## formatting, lints, types and layers
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	clang-format --dry-run --Werror $(NATIVE)

format: install  ## format Python and C++
	ruff format .
	ruff check --fix .
	clang-format -i $(NATIVE)

clean:  ## remove what was built, not the virtual environment
	rm -rf build dist *.egg-info infogan_fast/*.so $(VENV)/.installed
