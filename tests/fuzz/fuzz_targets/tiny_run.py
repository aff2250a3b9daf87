"""The files of a finished run whose networks have a channel or two, made once per process."""

import functools
import tempfile
from pathlib import Path

import torch

from infogan_fast.data import ImageData
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training import TrainConfig

CONFIG = TrainConfig(
    device="cpu",
    width=0.001,
    noise=1,
    categorical=(2,),
    continuous=1,
    batch_size=2,
    steps=2,
    log_every=1,
    checkpoint_every=1,
    picture_every=0,
    evaluation_samples=20,
)
ABOUT = {"command_line": ["infogan-fast", "train"], "versions": {"torch": "2"}, "threads": 1}


@functools.cache
def images():
    """12 images of 4x4 pixels in three classes, and four held out."""
    pixels, labels = torch.arange(256).to(torch.uint8).reshape(16, 1, 4, 4), torch.arange(16) % 3
    return ImageData("sixteen images", pixels[:12], labels[:12], pixels[12:], labels[12:])


@functools.cache
def files():
    """Contents by path in the run folder."""
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path) / "run")
        folder.make()
        folder.write_config(CONFIG, ABOUT)
        trainer = Trainer(CONFIG, images(), folder)
        trainer.run()
        trainer.finish()
        found = [file for file in folder.path.rglob("*") if file.is_file()]
        return {str(file.relative_to(folder.path)): file.read_bytes() for file in found}


def file(name):
    """One file's content by the end of its name; of several the last."""
    return files()[max(path for path in files() if path.endswith(name))]
