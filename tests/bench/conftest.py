"""Images and settings so small that a step takes a millisecond."""

import dataclasses

import pytest
import torch

from infogan_fast.data import ImageData
from infogan_fast.training import TrainConfig


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (60, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.arange(60) % 3
    return ImageData("tiny", images[:40], labels[:40], images[40:], labels[40:])


@pytest.fixture
def config():
    return dataclasses.replace(
        TrainConfig(), device="cpu", width=0.05, noise=4, categorical=(3,), continuous=2, batch_size=16, steps=200
    )
