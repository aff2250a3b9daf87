"""The property tests once more, with many more examples than every run tries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("test_*_properties.py"))


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_properties_hold_for_many_examples(file):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", file],
        env={**os.environ, "HYPOTHESIS_PROFILE": "thorough"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_there_are_properties():
    assert len(FILES) >= 4
