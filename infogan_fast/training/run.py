"""A whole run: from settings and a folder to trained networks, pictures, ``summary.json`` and ``report.html``."""

from __future__ import annotations

import dataclasses
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from infogan_fast import data as datasets
from infogan_fast.data.images import size_text
from infogan_fast.data.workers import worker_deaths_explained
from infogan_fast.evaluation import bound_note, evaluate, write_traversals
from infogan_fast.finite import check_model
from infogan_fast.nets import InfoGAN
from infogan_fast.training import randomness
from infogan_fast.training.checkpoint import (
    Which,
    check_networks,
    find_checkpoint,
    load_checkpoint,
    load_networks,
    step_of,
)
from infogan_fast.training.config import TrainConfig
from infogan_fast.training.device import device_name, resolve
from infogan_fast.training.memory import check_memory
from infogan_fast.training.networks import build_networks
from infogan_fast.training.report import Subject, write_evaluation_report, write_report
from infogan_fast.training.run_folder import RunFolder
from infogan_fast.training.trainer import Trainer
from infogan_fast.version import __version__


def start(config: TrainConfig, folder: RunFolder, progress: datasets.Progress | None = None) -> Trainer:
    """A trainer at its first step, or at the last checkpoint of the folder, which is held from then on.

    ``finish`` lets go of the folder, as does ``folder.release()`` and the end of the process.

    Args:
        config: the settings, with device and width resolved (``device.resolve``). They are written to the folder.
        folder: of the run.
        progress: told how far a download of the images is.

    Raises:
        DataError, ConfigError, CheckpointError, WriteError: as their messages say.
        RunFolderError: another process holds the folder, it cannot be written, or has no room for the checkpoints.
        NonFiniteError: the checkpoint's weights are not finite.
    """
    was_held = folder.is_held
    folder.hold()
    try:
        return _start(config, folder, progress)
    except BaseException:
        if not was_held:
            folder.release()
        raise


def _start(config: TrainConfig, folder: RunFolder, progress: datasets.Progress | None) -> Trainer:
    folder.prepare()
    images = datasets.load(
        config.data,
        image_size=config.image_size,
        channels=config.channels,
        strict=config.strict,
        stream=config.stream,
        workers=config.workers,
        progress=progress,
    )
    count = len(images.images)
    if count < config.batch_size:
        few = f"{images.name}: holds {count} training images, allowed: at least batch_size, {config.batch_size}"
        raise datasets.DataError("; ".join([few, *images.notes]))
    check_memory(config, images.image_shape)
    trainer = Trainer(config, images, folder)
    folder.check_room(trainer.room_needed())
    about = {"command_line": sys.argv, "versions": versions(), "threads": torch.get_num_threads()}
    folder.write_config(config, about)
    return trainer


def finish(trainer: Trainer) -> dict[str, Any]:
    """Evaluate, draw the pictures and write ``summary.json``, then ``report.html``; then let go of the folder.

    Returns:
        What ``summary.json`` holds.

    Raises:
        WriteError: a file cannot be written, as on a full disk.
    """
    with trainer.folder.held():
        summary = _finish(trainer)
    trainer.folder.release()
    return summary


def _finish(trainer: Trainer) -> dict[str, Any]:
    config = trainer.config
    evaluation, pictures = trainer.finish()
    summary = {
        **evaluation.to_json(),
        "objective": config.objective,
        "bound_note": bound_note(config.spec, config.variance),
        "seconds": trainer.seconds,
        "images_per_second": trainer.step * config.batch_size / trainer.seconds,
        "steps": trainer.step,
        "batch_size": config.batch_size,
        "seed": config.seed,
        "data": config.data,
        **_about_images(trainer.data),
        "width": config.width,
        "device": config.device,
        "device_name": device_name(trainer.device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "pictures": [path.relative_to(trainer.folder.path).as_posix() for path in pictures],
    }
    trainer.folder.write_summary(summary)
    if trainer.folder.is_run:  # not so where ``Trainer`` was used without ``start``
        write_report(trainer.folder)
    return summary


def evaluate_run(
    folder: RunFolder,
    data: str | None = None,
    device: str | None = None,
    which: Which = "last",
    progress: datasets.Progress | None = None,
    with_fid: bool = False,
) -> dict[str, Any]:
    """Figures of a run's checkpoint, under the names that ``summary.json`` uses.

    Args:
        folder: of the run.
        data: name or path of images other than the run's own.
        device: other than the run's own.
        which: of the checkpoints.
        progress: told how far a download of the images is.
        with_fid: also the FID, if its network is on this machine.

    Raises:
        RunFolderError, CheckpointError, DataError, ConfigError: as their messages say.
    """
    nets, config, image_shape = _load_run(folder, device, which)
    images = _images_for(config, data, image_shape, progress)
    if images.image_shape != image_shape:
        raise datasets.DataError(
            f"{images.name}: its images are {size_text(images.image_shape)}, "
            f"the run was trained on {size_text(image_shape)}"
        )
    seed = torch.tensor(config.seed, device=config.device)
    with torch.no_grad(), worker_deaths_explained(images.name):
        figures = evaluate(
            nets,
            config.spec,
            config.variance,
            images,
            seed,
            randomness.EVALUATION,
            config.evaluation_samples,
            with_fid,
        )
    return {
        **figures.to_json(),
        "objective": config.objective,
        "bound_note": bound_note(config.spec, config.variance),
        **_about_images(images),
    }


def _about_images(images: datasets.ImageData) -> dict[str, Any]:
    """What ``summary.json`` says of the images."""
    return {
        "training_images": len(images.images),
        "heldout_images": 0 if images.heldout_images is None else len(images.heldout_images),
        "image_shape": list(images.image_shape),
        "data_notes": list(images.notes),
    }


def report_evaluation(
    folder: RunFolder,
    figures: dict[str, Any],
    data: str | None = None,
    device: str | None = None,
    which: Which = "last",
) -> Path:
    """Write the report of a run's checkpoint, with pictures of it, beside the run's own ``report.html``.

    Args:
        folder: of the run.
        figures: what ``evaluate_run`` gave for the same arguments.
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
    subject = Subject(which, step_of(find_checkpoint(folder.checkpoints, which)), other)
    with tempfile.TemporaryDirectory() as pictures:
        drawn = draw_run(folder, Path(pictures), device=device, which=which)
        return write_evaluation_report(folder, figures, drawn, subject)


def _images_for(
    config: TrainConfig, data: str | None, image_shape: tuple[int, int, int], progress: datasets.Progress | None
) -> datasets.ImageData:
    """The run's own images, or others; image files, which have no size of their own, at that of the run."""
    image_size, channels = config.image_size, config.channels
    if data is not None and datasets.is_image_folder(data):
        channels, height, width = image_shape
        image_size = height if height == width else image_size
    return datasets.load(
        data or config.data,
        image_size=image_size,
        channels=channels,
        strict=config.strict,
        stream=config.stream,
        workers=config.workers,
        progress=progress,
    )


def draw_run(
    folder: RunFolder,
    out: Path | None = None,
    seed: int | None = None,
    device: str | None = None,
    which: Which = "last",
) -> list[Path]:
    """Draw the pictures of a run's checkpoint.

    Args:
        folder: of the run.
        out: folder for the pictures; if None, ``traversals`` of the run, or ``traversals-seedN`` where ``seed`` is N
            and not the run's own, with ``-best`` after it for the best checkpoint.
        seed: of the noise; the run's own if None.
        device: other than the run's own.
        which: of the checkpoints.

    Returns:
        The files.

    Raises:
        RunFolderError, CheckpointError, ConfigError, WriteError: as their messages say.
    """
    nets, config, _ = _load_run(folder, device, which)
    if seed is None:
        seed = config.seed
    if out is None:
        name = folder.traversals.name + ("" if seed == config.seed else f"-seed{seed}")
        out = folder.make_pictures_folder(name if which == "last" else f"{name}-{which}")
    else:
        out.mkdir(parents=True, exist_ok=True)
    return write_traversals(nets, config.spec, torch.tensor(seed, device=config.device), randomness.PICTURES, out)


def _load_run(folder: RunFolder, device: str | None, which: Which) -> tuple[InfoGAN, TrainConfig, tuple[int, int, int]]:
    """Networks of a checkpoint in evaluation mode, the settings in effect, and the images' shape.

    The generator is its average, if the run kept one.
    """
    config = folder.read_config()
    config, _ = resolve(dataclasses.replace(config, device=device or config.device))  # type: ignore[arg-type]
    path = find_checkpoint(folder.checkpoints, which)
    tensors, scalars = load_checkpoint(path, torch.device(config.device))
    channels, height, width = scalars["image_shape"]
    with torch.device("meta"):  # settings of huge networks take no memory so
        check_networks(build_networks(config, (channels, height, width)), "nets", tensors, path)
    used = ("nets.", "average.")
    check_model({name: tensor for name, tensor in tensors.items() if name.startswith(used)}, path)
    nets = build_networks(config, (channels, height, width)).to(config.device).eval()
    load_networks(nets, "nets", tensors, path)
    if config.ema > 0.0:
        load_networks(nets.generator, "average", tensors, path)
    return nets, config, (channels, height, width)


def versions() -> dict[str, str]:
    """Versions that a result depends on."""
    return {"infogan_fast": __version__, "torch": torch.__version__, "python": platform.python_version()}
