"""A trained run as an object."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from infogan_fast.evaluation.value_range import ValueRange
from infogan_fast.finite import check_model
from infogan_fast.model import InfoGAN
from infogan_fast.runs.checkpoint import (
    CheckpointError,
    Which,
    check_networks,
    find_checkpoint,
    load_checkpoint,
    load_networks,
)
from infogan_fast.runs.folder import RunFolder
from infogan_fast.training.device import resolve
from infogan_fast.training.networks import build_networks, check_own_model
from infogan_fast.training.settings import OWN_NETWORKS, ConfigError, TrainConfig


@dataclass(frozen=True)
class Run:
    """A run: what was trained, how, and what came of it."""

    model: InfoGAN
    """The networks of the checkpoint in evaluation mode; G is its average over the training steps (EMA), if the run
    kept one."""
    config: TrainConfig
    """The settings."""
    summary: dict[str, Any] | None
    """What ``summary.json`` holds; None for a run that is not finished."""
    folder: Path
    """The run folder."""


def load(
    folder: str | os.PathLike[str],
    checkpoint: Which = "last",
    *,
    model: InfoGAN | None = None,
    device: str | None = None,
) -> Run:
    """A run from its folder, whether it was made in Python or by the command line.

    Nothing in the folder is ever run as code: weights are put into the built-in networks that the settings name, or
    into ``model``.

    Args:
        folder: the run folder.
        checkpoint: ``"last"``; ``"best"``, by the setting ``best_by``; or the number of training steps done there.
        model: for a run with networks of one's own, the same networks again, with any weights; the checkpoint's are put
            into them.
        device: ``"cpu"``, ``"cuda"`` or ``"auto"``; None for the run's own.

    Raises:
        RunFolderError: it is not the folder of a run, or a file of it is damaged.
        CheckpointError: there is no such checkpoint, it is damaged, or of other networks.
        ConfigError: the device is not there, or ``model`` is missing or not of the run's latent code.
        NonFiniteError: a weight is not finite.
    """
    run_folder = RunFolder(Path(folder))
    loaded = load_model(run_folder, device, checkpoint, model)
    return Run(
        loaded.model, loaded.config, run_folder.read_summary() if run_folder.has_summary else None, run_folder.path
    )


class Loaded(NamedTuple):
    """What evaluation and pictures need of a checkpoint."""

    model: InfoGAN
    """The networks, as ``Run.model`` has them."""
    config: TrainConfig
    """The settings in effect."""
    shape: tuple[int, ...]
    """The shape of what G makes."""
    value_range: ValueRange
    """The range of the values of the training data."""


def load_model(folder: RunFolder, device: str | None, which: Which, model: InfoGAN | None = None) -> Loaded:
    """The networks of a checkpoint; the arguments are those of ``load``."""
    saved = folder.read_config()
    here: dict[str, Any] = {"device": device or saved.device, "matrix_product": "blas"}  # which only training uses
    config, _ = resolve(dataclasses.replace(saved, **here))
    config = dataclasses.replace(config, matrix_product=saved.matrix_product)
    path = find_checkpoint(folder.checkpoints, which)
    tensors, scalars = load_checkpoint(path, torch.device(config.device))
    shape = tuple(scalars["shape"])
    if config.networks == OWN_NETWORKS and model is None:
        raise ConfigError(needs_networks(folder))
    if model is not None:
        check_own_model(model, config)
    else:
        with torch.device("meta"):  # settings of huge networks take no memory so
            check_networks(_built(config, shape, path), "model", tensors, path)
    used = ("model.", "ema.")
    check_model({name: tensor for name, tensor in tensors.items() if name.startswith(used)}, path)
    model = _built(config, shape, path) if model is None else model
    model = model.to(config.device).eval()
    load_networks(model, "model", tensors, path)
    if config.ema > 0.0:
        load_networks(model.generator, "ema", tensors, path)
    return Loaded(model, config, shape, ValueRange(*scalars["value_range"]))


def _built(config: TrainConfig, shape: tuple[int, ...], path: Path) -> InfoGAN:
    if len(shape) != 3:
        raise CheckpointError(f"{path}: is of data of shape {list(shape)}, for which there are no built-in networks")
    channels, height, width = shape
    return build_networks(config, (channels, height, width))


def needs_networks(folder: RunFolder) -> str:
    """The message for a run with networks of the user's own that were not given."""
    names = ", ".join(f"{name} {value}" for name, value in folder.read_about()["networks"].items())
    return (
        f"{folder.path}: needs networks of your own ({names or 'not named'}); from Python: "
        "ig.load(..., model=...) or ig.train(..., model=..., resume=True)"
    )
