"""The networks of a run: made from its settings, and as they are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from infogan_fast.nets import InfoGAN
from infogan_fast.training.averaging import AveragedGenerator
from infogan_fast.training.config import ConfigError, TrainConfig


def build_networks(config: TrainConfig, image_shape: tuple[int, int, int]) -> InfoGAN:
    """The networks of a configuration whose width is decided, with the initial weights of its seed.

    Raises:
        ConfigError: the width is not decided, or the networks do not fit images of that size.
    """
    if config.width is None:
        raise ConfigError("width: got None, allowed: a number > 0; device.resolve() chooses one by device")
    spec = config.spec
    try:
        return InfoGAN(
            spec.input_dim, spec.head_dim(config.variance), image_shape, config.width, config.seed, config.networks
        )
    except ValueError as error:
        raise ConfigError(f"data: {error}; --set image_size=32 resizes the images") from error


@contextmanager
def evaluation_mode(nets: InfoGAN, average: AveragedGenerator | None = None) -> Iterator[None]:
    """While it lasts, batch normalisation uses its running statistics and no gradients are recorded.

    Args:
        nets: the networks.
        average: in the place of their generator while it lasts, if not None.
    """
    training, generator = nets.training, nets.generator
    if average is not None:
        nets.generator = average.module
    nets.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        nets.generator = generator
        nets.train(training)
