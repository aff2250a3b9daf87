"""Run by test_dying_writes.py in a process of its own: runs that die in the middle of writing, and are continued.

    python die_while_writing.py FOLDER IMAGES

Each case is a run in FOLDER/<file>/<moment> that dies without any cleaning up, as a killed process does. Prints one
JSON object a case: its folder, the exit codes of the run and of its continuation, and the files that the first left.
"""

import json
import os
import sys
from pathlib import Path

import torch._dynamo  # noqa: F401 (with cli, what takes long to import: done here, so that no child has to)
from tiny_run import SHORT, TINY, files_of

from infogan_fast import files
from infogan_fast.__main__ import main
from infogan_fast.cli import app  # noqa: F401

DIED = 77


def exit_now():
    os._exit(DIED)


class HalfWriting:
    """A file that writes half of what it is given, and is the last thing that the process does."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        raise AssertionError("nothing was written")

    def tell(self):
        return self.file.tell()

    def write(self, content):
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        exit_now()


def die(name, moment):
    """Let the process die at a moment of writing ``name``."""
    replace = os.replace
    lines = 0

    def open_or_die(path, mode, **options):
        nonlocal lines
        if name.startswith("metrics.jsonl") and path.name == "metrics.jsonl" and mode == "ab":
            lines += 1
            if f"metrics.jsonl, line {lines}" != name:
                return open(path, mode, **options)
        elif files.replaced_by(path.name) != name:
            return open(path, mode, **options)
        if moment == "before":
            exit_now()
        file = open(path, mode, **options)  # noqa: SIM115 (whoever asked for it closes it)
        return HalfWriting(file) if moment == "half written" else file

    def replace_or_die(source, target):
        if target.name == name and moment == "before the rename":
            exit_now()
        replace(source, target)
        if target.name == name and moment == "after the rename":
            exit_now()

    files.open = open_or_die
    os.replace = replace_or_die


MOMENTS = ("before", "half written", "before the rename", "after the rename")
CASES = [
    *(("config.json", moment) for moment in MOMENTS),
    ("metrics.jsonl, line 1", "half written"),  # no checkpoint is there yet
    ("metrics.jsonl, line 2", "before"),
    ("step_00000002.safetensors", "half written"),
    ("step_000003.png", "half written"),
    ("step_000003.png", "before the rename"),
    ("metrics.jsonl, line 5", "half written"),
    *(("step_00000006.safetensors", moment) for moment in MOMENTS),  # two are there, and one of them is to go
    ("categorical1_samples.png", "half written"),
    ("summary.json", "half written"),
    ("summary.json", "before the rename"),
]


def train(out, images, log, before=lambda: None):
    """Exit code of a `train` in a child of this process, which has imported everything already."""
    child = os.fork()
    if child == 0:
        with open(log, "w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        before()
        sys.argv[1:] = ["train", "--resume-or-start", "--out", str(out), "--data", str(images), *TINY, *SHORT]
        try:
            main()
        except SystemExit as exit_:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(exit_.code or 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    folder, images = map(Path, sys.argv[1:])
    for name, moment in CASES:
        out, log = folder / name / moment, folder / f"{name}, {moment}.log"
        died = train(out, images, log, lambda: die(name, moment))  # noqa: B023 (called before the next case)
        left = files_of(out)
        continued = train(out, images, log)
        print(json.dumps({"out": str(out), "died": died, "left": left, "continued": continued, "log": log.read_text()}))
