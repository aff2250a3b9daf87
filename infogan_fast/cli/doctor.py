"""``infogan-fast doctor``."""

from __future__ import annotations

import platform
import sys

import torch
import typer

from infogan_fast._extension import build_info
from infogan_fast.training.device import resolve
from infogan_fast.training.settings import TrainConfig


def doctor() -> None:
    """Print versions, how the ops were built and what `--device auto` chooses, to go with a bug report."""
    config, _ = resolve(TrainConfig())
    lines = {
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        **{f"build: {key}": value for key, value in build_info().items()},
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "device auto": config.device,
        "default width": config.width,
    }
    for name, value in lines.items():
        typer.echo(f"{name:26} {value}")
