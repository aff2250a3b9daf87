"""The data of a run: what the settings name, or what was given from Python."""

from __future__ import annotations

import torch

from infogan_fast import data as datasets
from infogan_fast.data.images import size_text
from infogan_fast.data.memory import Streaming
from infogan_fast.data.resize import resized
from infogan_fast.training.settings import OWN_DATA, OWN_NETWORKS, ConfigError, TrainConfig


def load_data(config: TrainConfig, progress: datasets.Progress | None = None) -> datasets.ImageData:
    """The data that the settings name.

    Args:
        config: the settings.
        progress: told how far a download is.

    Raises:
        DataError: they cannot be had.
    """
    if config.data == OWN_DATA:
        raise datasets.DataError(
            f"data: got {OWN_DATA}, data that were given from Python; give them again there with data=, or name the "
            "same images with --data"
        )
    return datasets.load(
        config.data,
        image_size=config.image_size,
        channels=config.channels,
        strict=config.strict,
        stream=config.stream,
        workers=config.workers,
        heldout_fraction=config.heldout_fraction,
        progress=progress,
    )


def own_data(data: datasets.ImageData, config: TrainConfig) -> datasets.ImageData:
    """Data that were given from Python, at the size and with the channels of the settings, where they say.

    Raises:
        ConfigError: they say, and the data are no images of bytes.
    """
    if config.image_size is None and config.channels is None:
        return data
    if not data.is_images or data.images.dtype != torch.uint8:
        got = f"{data.images.dtype} of shape {size_text(data.shape)}"
        raise ConfigError(f"image_size and channels: got data {got}, allowed with uint8 images alone")
    return resized(data, config.image_size, config.channels, Streaming(config.stream, config.workers))


def check_data(data: datasets.ImageData, config: TrainConfig) -> None:
    """Whether there is enough of the data, and, for the built-in networks, whether they are images.

    Raises:
        DataError: there are fewer items than a batch takes.
        ConfigError: they are no images.
    """
    count = len(data.images)
    if count < config.batch_size:
        few = f"{data.name}: holds {count} training images, allowed: at least batch_size, {config.batch_size}"
        if count > 1:
            few += f"; --set batch_size={max(2, count // 2)} is a smaller one"
        raise datasets.DataError("; ".join([few, *data.notes]))
    if config.networks != OWN_NETWORKS and len(data.shape) != 3:
        raise ConfigError(
            f"{data.name}: got items of shape {list(data.shape)}; the built-in networks are for images, [C, H, W]: "
            "give networks of your own with ig.train(..., model=...)"
        )
