"""Settings of a run that is continued: those it was started with, and what may change."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch

from infogan_fast import data as datasets
from infogan_fast.data import ImageData
from infogan_fast.data.images import size_text
from infogan_fast.training.checkpoint import CheckpointError, checkpoints, step_of
from infogan_fast.training.config import ConfigError, TrainConfig
from infogan_fast.training.device import resolve
from infogan_fast.training.presets import preset
from infogan_fast.training.run_errors import short
from infogan_fast.training.run_folder import RunFolder

#: Settings that may differ when a run is continued; any other would make it another run. The images that ``data`` names
#: have to be the same ones, which the checkpoint tells.
MAY_CHANGE = (
    "compile",
    "cuda_graph",
    "data",
    "device",
    "keep_checkpoints",
    "steps",
    "stream",
    "strict",
    "tensorboard",
    "workers",
)


def continued_config(
    folder: RunFolder, preset_name: str | None, overrides: dict[str, Any]
) -> tuple[TrainConfig, list[str]]:
    """The settings to continue a run with, device and width resolved, and notes for the user.

    Args:
        folder: of the run.
        preset_name: a preset that was named again, or None. Of it, what may change stays as it was in the run.
        overrides: settings that were given again, ``data`` as ``data.canonical`` gives it.

    Raises:
        ConfigError: a setting differs that must not, or ``steps`` is less than the steps that are done.
        RunFolderError: the folder's settings cannot be read.
    """
    saved = folder.read_config()
    saved = dataclasses.replace(saved, data=datasets.canonical(saved.data))
    base = saved
    if preset_name is not None:
        base = dataclasses.replace(preset(preset_name), **{name: getattr(saved, name) for name in MAY_CHANGE})
    asked, notes = resolve(dataclasses.replace(base, **overrides))
    for setting in dataclasses.fields(TrainConfig):
        was, now = getattr(saved, setting.name), getattr(asked, setting.name)
        if was != now and setting.name not in MAY_CHANGE:
            raise ConfigError(
                f"--resume: {setting.name}: got {now!r}, allowed: {was!r}, with which the run in {folder.path} was "
                f"started; only {', '.join(MAY_CHANGE)} may change"
            )
    found = checkpoints(folder.checkpoints)
    done = step_of(found[-1]) if found else 0
    if asked.steps < done:
        raise ConfigError(
            f"--resume: steps: got {asked.steps}, allowed: at least {done}, the steps that the run in {folder.path} "
            "has done"
        )
    if asked.steps != saved.steps and done:
        notes.append(
            f"steps: {asked.steps} instead of {saved.steps}; learning rates and weights follow the share of the run "
            f"that is done, so the result is not that of a run of {asked.steps} steps from the start"
        )
    threads = folder.read_threads()
    if threads is not None and threads != torch.get_num_threads():
        notes.append(
            f"threads: {torch.get_num_threads()} instead of {threads}; the weights may differ in their last bits from "
            "those of an uninterrupted run"
        )
    return asked, notes


def check_same_run(
    scalars: dict[str, Any], path: Path, config: TrainConfig, data: ImageData, images_sha256: str
) -> None:
    """Whether a checkpoint is of a run on these images with these settings.

    Args:
        scalars: of the checkpoint.
        path: of the checkpoint.
        config: the settings.
        data: the images.
        images_sha256: their hash.

    Raises:
        DataError: it is of other images.
        CheckpointError: a setting differs that must not.
    """
    then = tuple(scalars["image_shape"])
    if then != data.image_shape:
        raise datasets.DataError(
            f"{data.name}: its images are {size_text(data.image_shape)}, the run was trained on {size_text(then)}"
        )
    count = scalars["images"]
    if count != len(data.images):
        raise datasets.DataError(
            f"{data.name}: holds {len(data.images)} training images, the run was trained on {count}"
        )
    if scalars["images_sha256"] != images_sha256:
        raise datasets.DataError(f"{data.name}: its training images are not those that the run was trained on")
    saved, now = scalars["settings"], config.to_json()
    for name in (name for name in now if name not in MAY_CHANGE):
        if saved.get(name) != now[name]:
            raise CheckpointError(f"{path}: was written with {name} {short(saved.get(name))}, not {now[name]!r}")
