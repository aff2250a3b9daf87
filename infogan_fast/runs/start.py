"""The beginning of a run: the data, the networks, the folder with the settings."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from infogan_fast import data as datasets
from infogan_fast.data.images import size_text
from infogan_fast.data.memory import Streaming
from infogan_fast.data.resize import resized
from infogan_fast.model import InfoGAN
from infogan_fast.objectives import Term
from infogan_fast.runs.about import about_run
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.load import needs_networks
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.memory import check_memory
from infogan_fast.training.settings import OWN_DATA, OWN_NETWORKS, ConfigError, TrainConfig

_NO_NETWORKS = "networks: got own, which needs networks of your own: from Python, ig.train(..., model=...)"


def start(
    config: TrainConfig,
    folder: RunFolder,
    progress: datasets.Progress | None = None,
    *,
    data: datasets.ImageData | None = None,
    model: InfoGAN | None = None,
    terms: Sequence[Term] = (),
) -> Trainer:
    """A trainer at its first step, or at the last checkpoint of the folder, which is held from then on.

    ``finish`` lets go of the folder, as does ``folder.release()`` and the end of the process.

    Args:
        config: the settings, with device and width resolved (``device.resolve``). They are written to the folder.
        folder: of the run.
        progress: told how far a download of the images is.
        data: of the user's own, in the place of those that ``config.data`` names.
        model: networks of the user's own, which are trained in place; None for the built-in ones.
        terms: of the user's own, beside those of the settings.

    Raises:
        DataError, ConfigError, CheckpointError, WriteError: as their messages say.
        RunFolderError: another process holds the folder, it cannot be written, or has no room for the checkpoints.
        NonFiniteError: the checkpoint's weights are not finite.
    """
    was_held = folder.is_held
    folder.hold()
    try:
        if config.networks == OWN_NETWORKS and model is None:
            raise ConfigError(needs_networks(folder) if folder.is_run else _NO_NETWORKS)
        folder.prepare()
        data = _loaded(config, progress) if data is None else _resized(data, config)
        _check_enough(data, config)
        if model is None:
            _check_images(data)
            check_memory(config, data.image_shape)
        trainer = Trainer(config, data, folder, model, terms)
        folder.check_room(trainer.room_needed())
        folder.write_config(config, about_run(trainer.model, terms))
    except BaseException:
        if not was_held:
            folder.release()
        raise
    return trainer


def _loaded(config: TrainConfig, progress: datasets.Progress | None) -> datasets.ImageData:
    if config.data == OWN_DATA:
        raise datasets.DataError(
            f"data: got {OWN_DATA}, data that were given from Python; give them again with ig.train(..., data=...), or "
            "name the same images with --data"
        )
    return datasets.load(
        config.data,
        image_size=config.image_size,
        channels=config.channels,
        strict=config.strict,
        stream=config.stream,
        workers=config.workers,
        progress=progress,
    )


def _resized(data: datasets.ImageData, config: TrainConfig) -> datasets.ImageData:
    """Data of the user's own at the size and with the channels of the settings, where they say."""
    if config.image_size is None and config.channels is None:
        return data
    if not data.is_images or data.images.dtype != torch.uint8:
        got = f"{data.images.dtype} of shape {size_text(data.shape)}"
        raise ConfigError(f"image_size and channels: got data {got}, allowed with uint8 images alone")
    return resized(data, config.image_size, config.channels, Streaming(config.stream, config.workers))


def _check_images(data: datasets.ImageData) -> None:
    if len(data.shape) != 3:
        raise ConfigError(
            f"{data.name}: got items of shape {list(data.shape)}; the built-in networks are for images, [C, H, W]: "
            "give networks of your own with ig.train(..., model=...)"
        )


def _check_enough(data: datasets.ImageData, config: TrainConfig) -> None:
    count = len(data.images)
    if count < config.batch_size:
        few = f"{data.name}: holds {count} training images, allowed: at least batch_size, {config.batch_size}"
        raise datasets.DataError("; ".join([few, *data.notes]))
