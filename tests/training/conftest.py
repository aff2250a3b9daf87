"""A run small enough to take milliseconds a step; puts the helpers of this folder on the path."""

import sys
from pathlib import Path

import pytest
import torch

from infogan_fast.data import ImageData
from infogan_fast.training import TrainConfig

sys.path.append(str(Path(__file__).parent))


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
