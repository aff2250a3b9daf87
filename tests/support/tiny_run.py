"""Runs of the command line that take seconds, in processes of their own, and what is the same in two of them."""

import json
import os
import struct
import subprocess
import sys

import numpy as np
import torch

from infogan_fast.runs.checkpoint import checkpoints, load_checkpoint

TINY = [
    "--set=width=0.05",
    "--set=batch_size=8",
    "--set=noise=4",
    "--set=categorical=3",
    "--set=continuous=1",
    "--set=evaluation_samples=20",
    "--device=cpu",
]

#: Six steps, three checkpoints of which two are kept, and a picture.
SHORT = ["--steps=6", "--set=checkpoint_every=2", "--set=log_every=1", "--set=picture_every=3"]

#: What two runs of the same settings need not agree in.
TIMINGS = ("seconds", "images_per_second")


def write_images(folder):
    """A folder of IDX files: 30 training images of 8x8 pixels, 10 held out."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    for part, count in (("train", 30), ("t10k", 10)):
        write_idx(folder / f"{part}-images-idx3-ubyte", generator.integers(0, 256, (count, 8, 8), dtype=np.uint8))
        write_idx(folder / f"{part}-labels-idx1-ubyte", (np.arange(count) % 3).astype(np.uint8))


def write_idx(path, array):
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape) + array.tobytes())


def train_command(out, images, *more):
    """The words of a `train` that continues the run in ``out``, or starts it."""
    words = ["train", "--resume-or-start", "--out", out, "--data", images, *TINY, *more]
    return [sys.executable, "-m", "infogan_fast", *map(str, words)]


def start(command, **options):
    """The process of a command, with one thread: as many as there will be when it is continued."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, **{**pipes, **options})


def run(command, **options):
    """Exit code, standard output and standard error of a command."""
    process = start(command, **options)
    printed, error = process.communicate(timeout=300)
    return process.returncode, printed, error


def files_of(folder):
    """Every file of a run by its path in the folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def metrics_of(folder):
    """The lines of ``metrics.jsonl`` without timings."""
    return [without_timings(json.loads(line)) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def without_timings(values):
    return {name: value for name, value in values.items() if name not in TIMINGS}


def assert_same_run(folder, other):
    """Two finished runs have the same files, and in them the same bits but for timings."""
    assert files_of(folder) == files_of(other)
    assert metrics_of(folder) == metrics_of(other)
    summary, other_summary = (json.loads((path / "summary.json").read_text()) for path in (folder, other))
    assert without_timings(summary) == without_timings(other_summary)
    for picture in (folder / "traversals").iterdir():
        assert picture.read_bytes() == (other / "traversals" / picture.name).read_bytes(), picture
    for path, same in zip(checkpoints(folder / "checkpoints"), checkpoints(other / "checkpoints"), strict=True):
        tensors, scalars = load_checkpoint(path, torch.device("cpu"))
        other_tensors, other_scalars = load_checkpoint(same, torch.device("cpu"))
        assert tensors.keys() == other_tensors.keys()
        for name, tensor in tensors.items():
            assert bits(tensor) == bits(other_tensors[name]), f"{path}: {name}"
        for values in (scalars, other_scalars):
            del values["seconds"], values["last_log"][1]
        assert scalars == other_scalars


def bits(tensor):
    return tensor.dtype, tuple(tensor.shape), tensor.contiguous().numpy().tobytes()
