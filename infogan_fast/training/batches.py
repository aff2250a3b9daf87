"""Where the real images of each step come from."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from typing import Protocol

import torch
from torch import Tensor

from infogan_fast.data import ImageData
from infogan_fast.data.memory import gib
from infogan_fast.data.stored import HeldImages, StoredImages
from infogan_fast.training.config import TrainConfig
from infogan_fast.training.randomness import BatchOrder


class Batches(Protocol):
    """The batch of each step, by ``BatchOrder``."""

    note: str | None
    """What the user should know of where they come from."""

    def prepare(self, step: int) -> None:
        """Get ready for a step.

        Raises:
            DataError: its images cannot be read.
        """

    def images(self) -> Tensor:
        """Those of the step last prepared for, uint8 ``[B, C, H, W]`` on the device: what a CUDA graph can capture."""

    def close(self) -> None:
        """End what was started to get them; another ``prepare`` starts it again."""


def batches_of(data: ImageData, config: TrainConfig, device: torch.device) -> Batches:
    """The batches of a run: from the device's memory if the images are in memory and fit there too.

    Raises:
        ConfigError: the batch is larger than the data.
    """
    images = data.images
    if isinstance(images, Tensor):
        if not (images.nbytes > _free_on_device(device) // 2 if config.stream is None else config.stream):
            return ResidentBatches(images.to(device), config)
        images = HeldImages(data.name, images)
    return StreamedBatches(images, config, device)


def _free_on_device(device: torch.device) -> float:
    """Bytes; without end where images in memory are on the device already, or none can tell."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return float("inf")
    return torch.cuda.mem_get_info(device)[0]


class ResidentBatches:
    """Batches of images that are all on the device, picked there.

    Args:
        images: uint8 ``[N, C, H, W]`` on the device.
        config: the settings; of them the seed and the batch size.
    """

    note: str | None = None

    def __init__(self, images: Tensor, config: TrainConfig) -> None:
        self._images = images
        self._order = BatchOrder(config.seed, len(images), config.batch_size, images.device)
        self._indices = torch.zeros(config.batch_size, dtype=torch.int64, device=images.device)

    def prepare(self, step: int) -> None:
        """Say which images they are."""
        self._indices.copy_(self._order(step))

    def images(self) -> Tensor:
        """A copy of them."""
        return self._images.index_select(0, self._indices)

    def close(self) -> None:
        """Nothing was started."""


class StreamedBatches:
    """Batches that are read while the step before them runs, and copied to one place on the device.

    Args:
        images: what is read from.
        config: the settings; of them the seed, the batch size and the number of workers.
        device: of the batches.
    """

    def __init__(self, images: StoredImages, config: TrainConfig, device: torch.device) -> None:
        held = isinstance(images, HeldImages)  # for which there is nothing to wait
        self._workers = images.workers if config.workers is None or held else config.workers
        self._stored, self._on_gpu = images, device.type == "cuda"
        self._order = BatchOrder(config.seed, len(images), config.batch_size, torch.device("cpu"))
        self._images = torch.zeros((config.batch_size, *images.shape[1:]), dtype=torch.uint8, device=device)
        self._batches: Generator[Tensor, None, None] | None = None
        self._next = -1  # the step that the next of them belongs to
        size = f"{len(images)} images, which would take {gib(images.nbytes)}"
        readers = f"{self._workers} worker process{'' if self._workers == 1 else 'es'}" if self._workers else "this one"
        self.note: str | None = (
            f"streaming: {size}, stay in the machine's memory"
            if held
            else f"streaming: {size} of memory, are read by {readers}"
        )

    def prepare(self, step: int) -> None:
        """Copy the step's images, which have been read ahead if the last call was for the step before."""
        if step != self._next or self._batches is None:
            self.close()
            order = (self._order(later).tolist() for later in count(step))
            self._batches = self._stored.batches(order, self._workers, pin=self._on_gpu)
        self._images.copy_(next(self._batches), non_blocking=self._on_gpu)
        self._next = step + 1

    def images(self) -> Tensor:
        """They, in the same memory each time."""
        return self._images

    def close(self) -> None:
        """End the workers."""
        if self._batches is not None:
            self._batches.close()
            self._batches = None
