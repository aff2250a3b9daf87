"""What ``summary.json`` says of a run beside its evaluation."""

from __future__ import annotations

from typing import Any

import torch

from infogan_fast.data import ImageData
from infogan_fast.evaluation import bound_note, why_no_pictures
from infogan_fast.evaluation.classes import names_for_summary
from infogan_fast.runs.about import versions
from infogan_fast.training.device import device_name
from infogan_fast.training.settings import TrainConfig


def about_training(config: TrainConfig, steps: int, seconds: float) -> dict[str, Any]:
    """How the run was trained.

    Args:
        config: the settings.
        steps: training steps done.
        seconds: that they took.
    """
    return {
        "seconds": seconds,
        "images_per_second": steps * config.batch_size * config.discriminator_updates / seconds if steps else 0.0,
        "steps": steps,
        "batch_size": config.batch_size,
        "seed": config.seed,
        "data": config.data,
        "width": config.width,
        "device": config.device,
        "device_name": device_name(torch.device(config.device)),
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }


def about_objective(config: TrainConfig) -> dict[str, Any]:
    """What was minimised, and a sentence on what limits L_I, or None."""
    return {"objective": config.objective, "bound_note": bound_note(config.spec, config.variance)}


def about_data(data: ImageData) -> dict[str, Any]:
    """The data that the run was trained or evaluated on."""
    return {
        "training_images": len(data.images),
        "heldout_images": 0 if data.heldout_images is None else len(data.heldout_images),
        "shape": list(data.shape),
        "class_names": names_for_summary(data.class_names),
        "data_notes": [*data.notes, *filter(None, [why_no_pictures(data.shape)])],
    }
