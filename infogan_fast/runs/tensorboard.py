"""Metrics and pictures for TensorBoard, on request."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from infogan_fast.extras import how_to_install
from infogan_fast.training.history import Metrics
from infogan_fast.training.settings import ConfigError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoardLog:
    """Event files in a folder. Whatever was told is on the disk when a call returns.

    Args:
        folder: where they are written, made if missing.
        code_names: what the entries of ``Metrics.mi_bound_nats`` are of.
        done: training steps done; TensorBoard hides what an interrupted run wrote of later ones.

    Raises:
        ConfigError: the package tensorboard is not installed, or cannot write there.
    """

    def __init__(self, folder: Path, code_names: tuple[str, ...], done: int) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise ConfigError(
                "tensorboard: got True, but the package tensorboard is not installed; "
                f"install it with: {how_to_install('tensorboard', 'tensorboard')}"
            )
        try:
            str(folder).encode()
        except UnicodeEncodeError as error:
            raise ConfigError(
                f"tensorboard: got True, but TensorBoard cannot write to {folder}, which is not UTF-8; allowed: false, "
                "or another run folder"
            ) from error
        self._folder, self._code_names, self._done = folder, code_names, done
        self._writer: SummaryWriter | None = None

    def add_metrics(self, metrics: Metrics) -> None:
        """Every value of a line of ``metrics.jsonl`` as a scalar."""
        values = {f"loss/{name}": value for name, value in metrics.losses.items()}
        bounds = zip(self._code_names, metrics.mi_bound_nats, strict=True)
        values |= {f"mi_bound_nats/{name}": value for name, value in bounds}
        values |= {f"schedule/{name}": value for name, value in metrics.schedule._asdict().items()}
        values["images_per_second"] = metrics.images_per_second
        writer = self._opened()
        for name, value in values.items():
            writer.add_scalar(name, value, metrics.step)
        writer.flush()

    def add_picture(self, name: str, path: Path, step: int) -> None:
        """A picture that has been written to a file."""
        with Image.open(path) as picture:
            pixels = np.asarray(picture)
        writer = self._opened()
        layout = "HW" if pixels.ndim == 2 else "HWC"
        writer.add_image(name, pixels, step, dataformats=layout)
        writer.flush()

    def _opened(self) -> SummaryWriter:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter  # half a second, for those who ask for it

            self._writer = SummaryWriter(str(self._folder), purge_step=self._done + 1)
        return self._writer

    def close(self) -> None:
        """Close the event file; the next call opens another."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
