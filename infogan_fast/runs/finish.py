"""The end of a run: its evaluation, pictures, ``summary.json`` and ``report.html``."""

from __future__ import annotations

from typing import Any

import torch

from infogan_fast.data import ImageData
from infogan_fast.evaluation import bound_note, why_no_pictures
from infogan_fast.runs.report import write_report
from infogan_fast.runs.start import versions
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.device import device_name


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
        **about_data(trainer.data),
        "width": config.width,
        "device": config.device,
        "device_name": device_name(trainer.loop.device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "pictures": [path.relative_to(trainer.folder.path).as_posix() for path in pictures],
    }
    trainer.folder.write_summary(summary)
    if trainer.folder.is_run:  # not so where ``Trainer`` was used without ``start``
        write_report(trainer.folder)
    return summary


def about_data(data: ImageData) -> dict[str, Any]:
    """What ``summary.json`` says of the data."""
    return {
        "training_images": len(data.images),
        "heldout_images": 0 if data.heldout_images is None else len(data.heldout_images),
        "shape": list(data.shape),
        "data_notes": [*data.notes, *filter(None, [why_no_pictures(data.shape)])],
    }
