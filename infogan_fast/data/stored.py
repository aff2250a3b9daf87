"""Images that stay where they are stored and are read when they are needed."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from infogan_fast.data.workers import read_ahead

_BYTES_AT_ONCE = 2**22  # that are read together where the order does not matter
_MOST_AT_ONCE = 256


class StoredImages(Dataset[Tensor], ABC):
    """Images ``[N, C, H, W]`` of uint8, 0 to 255, that are read by index: ``images[3]`` is uint8 ``[C, H, W]``.

    Args:
        name: of the data, in messages.
        shape: ``(N, C, H, W)``.
        workers: how many worker processes read them where many are read; 0 for none.
        sha256: of all bytes in order, where it is known.
    """

    def __init__(self, name: str, shape: Sequence[int], workers: int, sha256: str | None = None) -> None:
        self.name, self.shape, self.workers, self.dtype = name, torch.Size(shape), workers, torch.uint8
        self._sha256 = sha256

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> Tensor:
        return self.read([range(len(self))[index]])[0]

    @property
    def nbytes(self) -> int:
        """What they would take in memory."""
        return math.prod(self.shape)

    @abstractmethod
    def read(self, indices: Sequence[int]) -> Tensor:
        """Some of the images, uint8 ``[B, C, H, W]``, in this process.

        Args:
            indices: ``0 <= index < N``, in any order.

        Raises:
            DataError: one cannot be read, or is not what it was; the message names it.
        """

    def batches(
        self, order: Iterable[list[int]], workers: int | None = None, *, pin: bool = False
    ) -> Generator[Tensor, None, None]:
        """``read`` of each element of ``order``, ahead, by worker processes (``workers.read_ahead``)."""
        return read_ahead(self.read, order, self.workers if workers is None else workers, self.name, pin=pin)

    def sha256(self) -> str:
        """Of all bytes in order, as of the same images in memory. The first time, all images are read for it."""
        if self._sha256 is None:
            digest = hashlib.sha256()
            for batch in in_order(self, at_once(self.shape)):
                digest.update(batch.numpy().data)
            self._sha256 = digest.hexdigest()
        return self._sha256


class HeldImages(StoredImages):
    """Images of a tensor, uint8 ``[N, C, H, W]`` on the CPU, for those who read them by index.

    No worker processes: there is nothing to wait for.
    """

    def __init__(self, name: str, images: Tensor) -> None:
        super().__init__(name, images.shape, workers=0)
        self.images = images

    def read(self, indices: Sequence[int]) -> Tensor:
        """A copy of some of them."""
        return self.images[torch.tensor(indices, dtype=torch.int64)]


def at_once(shape: Sequence[int]) -> int:
    """How many images ``[N, C, H, W]`` to read together where all are read."""
    return max(1, min(_MOST_AT_ONCE, _BYTES_AT_ONCE // max(1, math.prod(shape[1:]))))


def in_chunks(count: int, size: int) -> Iterator[list[int]]:
    """0 to ``count - 1`` in order, ``size`` at a time."""
    return (list(range(first, min(first + size, count))) for first in range(0, count, size))


def in_order(images: Tensor | StoredImages, size: int) -> Iterator[Tensor]:
    """All images in order, uint8 ``[B, C, H, W]`` with B = ``size`` but for the last; stored ones by their workers."""
    if isinstance(images, Tensor):
        yield from torch.split(images, size)
        return
    batches = images.batches(in_chunks(len(images), size))
    try:
        yield from batches
    finally:
        batches.close()


def into_memory(images: StoredImages) -> Tensor:
    """All images, read in order."""
    held: NDArray[np.uint8] = np.empty(tuple(images.shape), dtype=np.uint8)
    first = 0
    for batch in in_order(images, at_once(images.shape)):
        held[first : first + len(batch)] = batch.numpy()
        first += len(batch)
    return torch.from_numpy(held)
