"""Evaluating, drawing and reporting a checkpoint of a run."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import torch

from infogan_fast import data as datasets
from infogan_fast.data.images import size_text
from infogan_fast.data.workers import worker_deaths_explained
from infogan_fast.evaluation import RealData, evaluate, write_traversals
from infogan_fast.evaluation.findings import findings
from infogan_fast.model import InfoGAN
from infogan_fast.report.page import Checkpoint
from infogan_fast.runs.checkpoint import Which, find_checkpoint, step_of
from infogan_fast.runs.data import load_data
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.load import load_model
from infogan_fast.runs.report import write_evaluation_report
from infogan_fast.runs.summary import about_data, about_objective
from infogan_fast.training import randomness
from infogan_fast.training.settings import TrainConfig


def evaluate_run(
    folder: RunFolder,
    data: str | datasets.ImageData | None = None,
    device: str | None = None,
    which: Which = "last",
    progress: datasets.Progress | None = None,
    with_fid: bool = False,
    model: InfoGAN | None = None,
) -> dict[str, Any]:
    """Metrics of a run's checkpoint, under the names that ``summary.json`` uses.

    Args:
        folder: of the run.
        data: images other than the run's own, or their name or path.
        device: other than the run's own.
        which: of the checkpoints.
        progress: told how far a download of the images is.
        with_fid: also the FID, if its network is on this machine.
        model: as in ``load``.

    Raises:
        RunFolderError, CheckpointError, DataError, ConfigError: as their messages say.
    """
    model, config, shape, _ = load_model(folder, device, which, model)
    images = data if isinstance(data, datasets.ImageData) else _data_for(config, data, shape, progress)
    if images.shape != shape:
        raise datasets.DataError(
            f"{images.name}: its images are {size_text(images.shape)}, the run was trained on {size_text(shape)}"
        )
    seed = torch.tensor(config.seed, device=config.device)
    with worker_deaths_explained(images.name):
        evaluation = evaluate(model, images, seed, randomness.EVALUATION, config.evaluation_samples, with_fid)
    results = {**evaluation.to_json(), **about_objective(config), **about_data(images)}
    step = step_of(find_checkpoint(folder.checkpoints, which))
    lines = [line for line in folder.read_metrics(config.spec.num_codes) if line["step"] <= step]
    return {**results, "findings": findings(results, config, lines)}


def report_evaluation(
    folder: RunFolder,
    results: dict[str, Any],
    data: str | None = None,
    device: str | None = None,
    which: Which = "last",
) -> Path:
    """Write the report of a run's checkpoint, with pictures of it, beside the run's own ``report.html``.

    Args:
        folder: of the run.
        results: what ``evaluate_run`` gave for the same arguments.
        data: name or path of images other than the run's own.
        device: other than the run's own.
        which: of the checkpoints.

    Returns:
        The file: ``report-last.html`` or ``report-best.html``, or with other images ``report-last-on-NAME.html``.

    Raises:
        RunFolderError, CheckpointError, ConfigError, WriteError: as their messages say.
    """
    other = None if data is None else datasets.canonical(data)
    if other == folder.read_config().data:
        other = None
    checkpoint = Checkpoint(which, step_of(find_checkpoint(folder.checkpoints, which)), other)
    with tempfile.TemporaryDirectory() as pictures:
        drawn = draw_run(folder, Path(pictures), device=device, which=which)
        return write_evaluation_report(folder, results, drawn, checkpoint)


def _data_for(
    config: TrainConfig, data: str | None, shape: tuple[int, ...], progress: datasets.Progress | None
) -> datasets.ImageData:
    """The run's own images, or others; image files, which have no size of their own, at that of the run."""
    if data is not None:
        config = dataclasses.replace(config, data=data)
        if len(shape) == 3 and datasets.is_image_folder(data):
            channels, height, width = shape
            side = height if height == width else config.image_size
            config = dataclasses.replace(config, channels=channels, image_size=side)
    return load_data(config, progress)


def draw_run(
    folder: RunFolder,
    out: Path | None = None,
    seed: int | None = None,
    device: str | None = None,
    which: Which = "last",
    model: InfoGAN | None = None,
) -> list[Path]:
    """Draw the pictures of a run's checkpoint.

    Args:
        folder: of the run.
        out: folder for the pictures; if None, ``traversals`` of the run, or ``traversals-seedN`` where ``seed`` is N
            and not the run's own, with ``-best`` after it for the best checkpoint.
        seed: of the noise; the run's own if None.
        device: other than the run's own.
        which: of the checkpoints.
        model: as in ``load``.

    Returns:
        The files.

    Raises:
        RunFolderError, CheckpointError, ConfigError, WriteError: as their messages say.
    """
    model, config, _, value_range = load_model(folder, device, which, model)
    if seed is None:
        seed = config.seed
    if out is None:
        name = folder.traversals.name + ("" if seed == config.seed else f"-seed{seed}")
        out = folder.make_pictures_folder(name if which == "last" else f"{name}-{which}")
    else:
        out.mkdir(parents=True, exist_ok=True)
    real = RealData(value_range)
    return write_traversals(model, torch.tensor(seed, device=config.device), randomness.PICTURES, out, real)
