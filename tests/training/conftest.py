"""A run small enough to take milliseconds a step; puts the helpers of this folder on the path."""

import shutil
import sys
from pathlib import Path

import pytest
import torch

from infogan_fast import __main__ as entry
from infogan_fast.data import ImageData
from infogan_fast.training import TrainConfig

sys.path.append(str(Path(__file__).parent))

from tiny_run import SHORT, run, train_command, write_images


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.arange(40) % 3
    return ImageData("tiny", images[:30], labels[:30], images[30:], labels[30:])


@pytest.fixture
def make_config():
    def make(**changes):
        defaults = {
            "device": "cpu",
            "width": 0.05,
            "noise": 4,
            "categorical": (3,),
            "continuous": 2,
            "batch_size": 8,
            "steps": 6,
            "log_every": 2,
            "checkpoint_every": 2,
            "picture_every": 0,
            "evaluation_samples": 20,
        }
        return TrainConfig(**{**defaults, **changes})

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder with images and a finished run on them, ``run``."""
    folder = tmp_path_factory.mktemp("finished")
    write_images(folder / "images")
    code, _, error = run(train_command(folder / "run", folder / "images", *SHORT, "--tensorboard"))
    assert code == 0, error
    return folder


@pytest.fixture
def out(finished, tmp_path):
    """A copy of that run."""
    return shutil.copytree(finished / "run", tmp_path / "run")


@pytest.fixture
def images(finished):
    """The images that it was trained on."""
    return finished / "images"


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs a command in this process; gives exit code, standard output and standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["infogan-fast", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            entry.main()
        return exit_.value.code or 0, *capsys.readouterr()

    return run
