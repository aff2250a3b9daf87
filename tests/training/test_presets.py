"""Every preset trains, through the trainer, on images of the shape that it is for."""

import dataclasses

import pytest
import torch

from infogan_fast.data import ImageData
from infogan_fast.runs.checkpoint import CheckpointError
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.resume import resumed_config
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training import PRESETS, ConfigError, TrainConfig
from infogan_fast.training.presets import PLAIN_PRESET

SHAPES = {
    "mnist5k": (1, 28, 28),
    "mnist5k-plain": (1, 28, 28),
    "sprites": (1, 32, 32),
    "images": (3, 32, 32),
    "mnist": (1, 28, 28),
    "svhn": (3, 32, 32),
    "celeba": (3, 32, 32),
    "faces": (1, 32, 32),
    "chairs": (1, 64, 64),
    "keras": (1, 28, 28),
}
TINY = {
    "device": "cpu",
    "compile": False,
    "width": 0.05,
    "batch_size": 4,
    "steps": 3,
    "log_every": 3,
    "picture_every": 0,
    "evaluation_samples": 8,
}


def random_images(shape):
    generator = torch.Generator().manual_seed(0)
    return ImageData("random", torch.randint(0, 256, (8, *shape), generator=generator, dtype=torch.uint8))


def train(name, path, **changes):
    trainer = Trainer(
        dataclasses.replace(PRESETS[name], **{**TINY, **changes}), random_images(SHAPES[name]), RunFolder(path)
    )
    lines = []
    trainer.run(lines.append)
    return trainer, lines


def test_a_shape_for_every_preset():
    assert set(SHAPES) == set(PRESETS) - {PLAIN_PRESET}  # for networks of one's own
    assert all(config.data == TrainConfig().data for config in PRESETS.values())  # the user's own, with --data


@pytest.mark.parametrize("name", SHAPES)
def test_every_preset_trains(name, tmp_path):
    trainer, (metrics,) = train(name, tmp_path)
    assert trainer.step == metrics.step == 3
    assert ("real_information" in metrics.losses) == trainer.config.uses_real_information
    assert all(torch.isfinite(torch.tensor(value)) for value in metrics.losses.values())
    _, pictures = trainer.evaluate()
    assert pictures


def test_images_that_the_networks_do_not_take_are_refused_before_training(tmp_path):
    config = dataclasses.replace(PRESETS["chairs"], **TINY)
    message = r"data: the chairs networks take square images whose sides are 16, .*, got 1x28x28"
    with pytest.raises(ConfigError, match=message):
        Trainer(config, random_images((1, 28, 28)), RunFolder(tmp_path))


def test_a_run_is_not_resumed_with_other_networks(tmp_path):
    trainer, _ = train("faces", tmp_path)
    trainer.folder.write_config(trainer.config, {"threads": 1})
    with pytest.raises(ConfigError, match="--resume: networks: got 'chairs', allowed: 'faces'"):
        resumed_config(RunFolder(tmp_path), None, {"networks": "chairs"})
    with pytest.raises(CheckpointError, match=r"was written with networks 'faces', not 'svhn'"):
        train("faces", tmp_path, networks="svhn")
