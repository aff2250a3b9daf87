"""The batches of real images, and of their labels, that each step reads."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from infogan_fast.data import DataError, ImageData
from infogan_fast.data.memory import gib
from infogan_fast.data.stored import HeldImages, StoredImages
from infogan_fast.training.randomness import BatchOrder
from infogan_fast.training.settings import TrainConfig


class Batch(NamedTuple):
    """Real images of one update."""

    images: Tensor
    """``[B, *shape]`` as they are stored, on the device."""
    labels: Tensor | None
    """``[B]`` int64; None where nobody asked for them."""


class Batches(Protocol):
    """The batches of each step, by ``BatchOrder``: one for every update of D."""

    note: str | None
    """What the user should know of where they come from."""

    def prepare(self, step: int) -> None:
        """Get ready for a step.

        Raises:
            DataError: its images cannot be read.
        """

    def __call__(self) -> list[Batch]:
        """The batches of the step that was prepared last; a CUDA graph can capture this call."""

    def close(self) -> None:
        """End what was started to get them; another ``prepare`` starts it again."""


def batches_of(data: ImageData, config: TrainConfig, device: torch.device, with_labels: bool = False) -> Batches:
    """The batches of a run: from the device's memory if the images are in memory and fit there too.

    Raises:
        ConfigError: the batch is larger than the data.
        DataError: labels are asked for, and the data has none.
    """
    images, labels = data.images, data.labels if with_labels else None
    if with_labels and labels is None:
        raise DataError(f"{data.name}: has no labels, which the objective needs")
    if isinstance(images, Tensor):
        if not (images.nbytes > _free_on_device(device) // 2 if config.stream is None else config.stream):
            return ResidentBatches(images.to(device), config, labels)
        images = HeldImages(data.name, images)
    return StreamedBatches(images, config, device, labels)


def _free_on_device(device: torch.device) -> float:
    """Bytes; without end where images in memory are on the device already, or none can tell."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return float("inf")
    return torch.cuda.mem_get_info(device)[0]


class ResidentBatches:
    """Batches of images that are all on the device, picked there.

    Args:
        images: ``[N, *shape]`` on the device.
        config: the settings; of them the seed, the batch size and the updates of D in a step.
        labels: ``[N]`` int64, or None.
    """

    note: str | None = None

    def __init__(self, images: Tensor, config: TrainConfig, labels: Tensor | None = None) -> None:
        self._images, self._labels = images, None if labels is None else labels.to(images.device)
        self._order = BatchOrder(config.seed, len(images), config.batch_size, images.device)
        shape = config.discriminator_updates, config.batch_size
        self._indices = torch.zeros(shape, dtype=torch.int64, device=images.device)

    def prepare(self, step: int) -> None:
        """Put the indices of the step's images into place."""
        for update, indices in enumerate(self._indices, start=step * len(self._indices)):
            indices.copy_(self._order(update))

    def __call__(self) -> list[Batch]:
        """The batches of the step that was prepared last, each a copy."""
        labels = self._labels
        return [
            Batch(self._images.index_select(0, rows), None if labels is None else labels.index_select(0, rows))
            for rows in self._indices
        ]

    def close(self) -> None:
        """Do nothing: no process was started."""


class StreamedBatches:
    """Batches that are read while the step before them runs, and copied to one place on the device.

    Args:
        images: what is read from.
        config: the settings; of them the seed, the batch size, the updates of D in a step and the number of workers.
        device: of the batches.
        labels: ``[N]`` int64, or None.
    """

    def __init__(
        self, images: StoredImages, config: TrainConfig, device: torch.device, labels: Tensor | None = None
    ) -> None:
        held = isinstance(images, HeldImages)  # for which there is nothing to wait
        self._workers = images.workers if config.workers is None or held else config.workers
        self._stored, self._labels, self._on_gpu = images, labels, device.type == "cuda"
        self._order = BatchOrder(config.seed, len(images), config.batch_size, torch.device("cpu"))
        shape = config.discriminator_updates, config.batch_size
        self._images = torch.zeros((*shape, *images.shape[1:]), dtype=images.dtype, device=device)
        self._batch_labels = None if labels is None else torch.zeros(shape, dtype=torch.int64, device=device)
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
        first = step * len(self._images)
        if step != self._next or self._batches is None:
            self.close()
            order = (self._order(later).tolist() for later in count(first))
            self._batches = self._stored.batches(order, self._workers, pin=self._on_gpu)
        for update, images in enumerate(self._images):
            images.copy_(next(self._batches), non_blocking=self._on_gpu)
            if self._batch_labels is not None and self._labels is not None:
                self._batch_labels[update].copy_(self._labels[self._order(first + update)])
        self._next = step + 1

    def __call__(self) -> list[Batch]:
        """The batches of the step that was prepared last, in the same memory each time."""
        labels = self._batch_labels
        return [Batch(images, None if labels is None else labels[row]) for row, images in enumerate(self._images)]

    def close(self) -> None:
        """End the workers."""
        if self._batches is not None:
            self._batches.close()
            self._batches = None
