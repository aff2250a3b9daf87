"""A process that dies at any point of writing a file leaves a folder that can be continued, with the same bits."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
from die_while_writing import CASES, DIED
from tiny_run import SHORT, assert_same_run, run, train_command, write_images

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """The run that was left alone, and what became of each of the others, by file and moment."""
    folder = tmp_path_factory.mktemp("runs")
    write_images(folder / "images")
    code, _, error = run(train_command(folder / "whole", folder / "images", *SHORT))
    assert code == 0, error
    script = Path(__file__).parents[1] / "support" / "die_while_writing.py"
    code, printed, error = run([sys.executable, str(script), str(folder), str(folder / "images")])
    assert code == 0, error
    return folder / "whole", dict(zip(CASES, map(json.loads, printed.splitlines()), strict=True))


@pytest.mark.parametrize("case", CASES, ids=", ".join)
def test_the_continued_run_is_that_of_one_left_alone(outcomes, case):
    whole, outcome = outcomes[0], outcomes[1][case]
    assert outcome["died"] == DIED, outcome["log"]
    assert outcome["continued"] == 0, outcome["log"]
    assert_same_run(Path(outcome["out"]), whole)


def test_the_moments_are_those_that_they_are_called(outcomes):
    def left(name, moment):
        """The files, the temporary ones without the part of their name that is drawn at random."""
        found = [re.sub(r"\.[0-9a-f]{8}\.tmp$", ".tmp", name) for name in outcomes[1][name, moment]["left"]]
        return [name for name in found if name != "run.lock"]

    assert left("config.json", "half written") == left("config.json", "before the rename") == ["config.json.tmp"]
    assert left("config.json", "before") == []
    last = "checkpoints/step_00000006.safetensors"
    assert last not in left("step_00000006.safetensors", "before")
    assert f"{last}.tmp" in left("step_00000006.safetensors", "before the rename")
    kept = [f"checkpoints/step_0000000{step}.safetensors" for step in (2, 4, 6)]
    assert [name for name in left("step_00000006.safetensors", "after the rename") if name in kept] == kept
    assert "traversals/step_000003.png.tmp" in left("step_000003.png", "half written")
    assert "traversals/step_000003.png" not in left("step_000003.png", "half written")
