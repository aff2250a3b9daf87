"""How patiently the command line's threads wait: as GNU OpenMP itself reports it when torch loads it."""

import os
import re
import subprocess
import sys

import pytest

from infogan_fast._at_start import SPIN_COUNT

VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
THREADS = "2"  # fewer than there are cores or as many: with more OpenMP itself has them wait less


def spin_count(*words, program="infogan-fast", **environment):
    """What a process that is called so counts to, from OpenMP's own account of its settings."""
    script = f"import sys; sys.argv = {[program, *words]!r}; import infogan_fast"
    usual = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    asked = {"OMP_DISPLAY_ENV": "VERBOSE", "OMP_NUM_THREADS": THREADS}
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**usual, **asked, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"GOMP_SPINCOUNT = '(\w+)'", ended.stderr)
    if found is None:
        pytest.skip("torch has another OpenMP than GNU's")
    return found[1]


def test_the_command_line_limits_it():
    assert spin_count("train") == str(SPIN_COUNT)
    assert spin_count("evaluate", "runs/a") == str(SPIN_COUNT)


def test_what_the_user_has_set_stays():
    assert spin_count("train", GOMP_SPINCOUNT="77") == "77"
    by_itself = spin_count(program="mine.py", OMP_WAIT_POLICY="passive")
    assert spin_count("train", OMP_WAIT_POLICY="passive") == by_itself


def test_other_programs_and_benchmarks_of_other_loops_are_left_alone():
    by_itself = spin_count(program="mine.py")
    assert by_itself != str(SPIN_COUNT)
    assert spin_count("bench", "--step") == by_itself
