"""Training jobs that can be driven step by step: our trainer's, and the common steps on the same networks and data."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import torch
from torch import Tensor, nn

from infogan_fast.bench.common_steps import (
    BETAS,
    CATEGORICAL_WEIGHT,
    CONTINUOUS_WEIGHT,
    LEARNING_RATE,
    FormA,
    FormB,
)
from infogan_fast.bench.convolutional import as_convolutions
from infogan_fast.data import ImageData, StoredImages
from infogan_fast.model import InfoGAN
from infogan_fast.networks.parts import Layers
from infogan_fast.networks.pixels import FlattenPixels, UnflattenPixels
from infogan_fast.training.loop import TrainingLoop
from infogan_fast.training.networks import build_networks
from infogan_fast.training.randomness import BatchOrder
from infogan_fast.training.settings import TrainConfig


class Job(Protocol):
    """One training run."""

    nets: InfoGAN
    batch_size: int

    @property
    def step(self) -> int:
        """How many steps are done."""

    @property
    def captured(self) -> bool:
        """Whether the step is replayed as a CUDA graph."""

    def __call__(self) -> Tensor:
        """One step, from drawing the latent variables and the batch to updated weights; its losses, detached."""


class OurJob:
    """The step as the trainer runs it, without its log lines, checkpoints and image grids.

    Args:
        config: the settings, with device and width resolved.
        data: the images.
    """

    def __init__(self, config: TrainConfig, data: ImageData) -> None:
        self.loop = TrainingLoop(config, data)
        self.nets = self.loop.model
        self.batch_size = config.batch_size

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self.loop.step

    @property
    def captured(self) -> bool:
        """Whether the step is replayed as a CUDA graph, which has its memory for good."""
        return self.loop.device.type == "cuda" and self.loop.config.cuda_graph

    def __call__(self) -> Tensor:
        """One step; the metrics that ``TrainingStep`` gives."""
        self.loop.history.clear()
        self.loop.advance()
        return self.loop.history.rows[-1]


class CommonJob:
    """A common step on the networks, the data and the batches that the trainer would have.

    Args:
        form: which.
        config: of it the networks, the batch size, the device, the precision and the seed count.
        data: the images.
        compile: compile the step.
        convolutions: write the networks with convolutions in the place of fully connected layers.
    """

    captured = False

    def __init__(
        self,
        form: type[FormA] | type[FormB],
        config: TrainConfig,
        data: ImageData,
        compile: bool = False,
        convolutions: bool = False,
    ) -> None:
        device = torch.device(config.device)
        config = dataclasses.replace(config, variance="learned")
        self.batch_size, self.step = config.batch_size, 0
        nets = channel_by_channel(build_networks(config, data.image_shape))
        self.nets = (as_convolutions(nets) if convolutions else nets).to(device).train()
        if isinstance(data.images, StoredImages):
            raise TypeError(f"{data.name}: the common steps take images in memory, got images that are streamed")
        self._images = data.images.to(device)
        self._order = BatchOrder(config.seed, len(data.images), config.batch_size, device)
        self._training_step = form(self.nets, config.spec, compile, mixed=config.precision == "bfloat16")

    def __call__(self) -> Tensor:
        """One step."""
        real = self._images[self._order(self.step)].float().div_(255.0)
        self.step += 1
        return self._training_step(real)


def channel_by_channel(nets: InfoGAN) -> InfoGAN:
    """The networks with ``nn.Flatten``, as others have it: ours flatten pixel by pixel, which costs those a copy."""
    trunk, generator = (network.layers for network in (nets.trunk, nets.generator) if isinstance(network, Layers))
    for position, layer in enumerate(trunk):
        if isinstance(layer, FlattenPixels):
            trunk[position] = nn.Flatten()
    for position, layer in enumerate(generator):
        if isinstance(layer, UnflattenPixels):
            generator[position] = nn.Unflatten(1, (-1, layer.height, layer.width))
    return nets


def as_form_a(config: TrainConfig) -> TrainConfig:
    """The settings with which our step does what form A does: its loss, rates and gradients, and no views or schedules.

    One thing remains different: our Q learns in D's update, from the features of D's forward pass, form A's in G's.
    """
    return dataclasses.replace(
        config,
        noise_prior="normal",
        continuous_prior="uniform",
        variance="learned",
        categorical_weight=CATEGORICAL_WEIGHT,
        continuous_weight=CONTINUOUS_WEIGHT,
        continuous_from=0.0,
        continuous_full=0.0,
        information_gradient=("generator", "head"),
        learning_rate_discriminator=LEARNING_RATE,
        learning_rate_generator=LEARNING_RATE,
        learning_rate_head=LEARNING_RATE,
        betas=BETAS,
        decay_from=1.0,
        shear=0.0,
        rotation=0.0,
        instance_noise=0.0,
    )
