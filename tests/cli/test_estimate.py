"""What a user is told at the start of a run about how long it will take."""

import io
from functools import partial
from itertools import count
from types import SimpleNamespace

from rich.console import Console
from tiny_run import TINY

from infogan_fast.cli.progress import progress_on
from infogan_fast.runs import pace


def test_said_before_the_first_line_of_metrics(infogan_fast, images, tmp_path):
    code, printed, _ = infogan_fast("train", "--out", tmp_path / "run", "--data", images, "--steps", 60, *TINY)
    lines = printed.splitlines()
    (told,) = (line for line in lines if "training alone" in line)
    assert code == 0
    assert told.startswith("about ")
    assert " for 60 steps (" in told
    assert lines.index(told) < next(index for index, line in enumerate(lines) if line.startswith("step 50/60"))


def test_slow_steps_bring_advice(infogan_fast, images, tmp_path, monkeypatch):
    clock = map(float, count(0, 400))  # a step takes 400 s of it
    monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    arguments = "--out", tmp_path / "run", "--data", images, "--steps", 27, *TINY
    _, printed, _ = infogan_fast("train", *arguments)
    lines = printed.splitlines()
    told = lines.index("about 3 h for 27 steps (as the first took 400 s), training alone")
    assert lines[told + 1] == "for an hour or less, one of these, each with another result:"
    assert lines[told + 2] == "  --steps 9  less training, 1 h"
    assert lines[told + 3] == "or a machine with a GPU, which takes a small part of the time"


def test_on_a_terminal_it_stands_above_the_bar():
    output = io.StringIO()
    console = Console(file=output, width=80, force_terminal=True, color_system=None, highlight=False, markup=False)
    line = "about 4 min 30 s for 7,000 steps (38 ms a step), training alone"
    with progress_on(console, 7000, 0) as progress:
        partial(console.print, soft_wrap=True)(line)
        progress._bar.refresh()
    before, after = output.getvalue().split(line)
    assert after.startswith("\n")  # a line of its own
    assert before.endswith("\x1b[2K")  # in the place of a bar that is erased
    assert "0/7000" in after  # and drawn anew below
