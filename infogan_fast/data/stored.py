"""Data that stay where they are stored and are read when they are needed."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from infogan_fast.data.workers import read_ahead

_BYTES_AT_ONCE = 2**22  # that are read together where the order does not matter
_MOST_AT_ONCE = 256


class StoredImages(Dataset[Tensor], ABC):
    """Images, or items of any other shape, that are read by index: ``images[3]`` is a tensor ``[*shape]``.

    Args:
        name: of the data, in messages.
        shape: ``(N, *shape)``; of images ``(N, C, H, W)``.
        workers: how many worker processes read them where many are read; 0 for none.
        sha256: the hash of all bytes in order, where it is known.
        dtype: uint8 for images, which are 0 to 255; or floating point.
    """

    def __init__(
        self,
        name: str,
        shape: Sequence[int],
        workers: int,
        sha256: str | None = None,
        dtype: torch.dtype = torch.uint8,
    ) -> None:
        self.name, self.shape, self.workers, self.dtype = name, torch.Size(shape), workers, dtype
        self._sha256 = sha256

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> Tensor:
        return self.read([range(len(self))[index]])[0]

    @property
    def nbytes(self) -> int:
        """How many bytes all items would take in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    @abstractmethod
    def read(self, indices: Sequence[int]) -> Tensor:
        """Read some of the items in this process.

        Args:
            indices: ``0 <= index < N``, in any order.

        Returns:
            ``[B, *shape]`` on the CPU.

        Raises:
            DataError: an item cannot be read, or is not what it was; the message names it.
        """

    def batches(
        self, order: Iterable[list[int]], workers: int | None = None, *, pin: bool = False
    ) -> Generator[Tensor, None, None]:
        """Yield ``read`` of each element of ``order``, which worker processes read ahead (``workers.read_ahead``)."""
        return read_ahead(self.read, order, self.workers if workers is None else workers, self.name, pin=pin)

    def sha256(self) -> str:
        """Return the hash of all bytes in order, that of the same items in memory. The first call reads all items."""
        if self._sha256 is None:
            self._sha256 = sha256_of(self)
        return self._sha256


class HeldImages(StoredImages):
    """A tensor ``[N, *shape]`` on the CPU as data that are read by index.

    It needs no worker processes, as there is nothing to wait for.
    """

    def __init__(self, name: str, images: Tensor) -> None:
        super().__init__(name, images.shape, workers=0, dtype=images.dtype)
        self.images = images

    def read(self, indices: Sequence[int]) -> Tensor:
        """Return a copy of some of the items."""
        return self.images[torch.tensor(indices, dtype=torch.int64)]


def at_once(items: Tensor | StoredImages) -> int:
    """How many items to read together where all are read."""
    item_bytes = math.prod(items.shape[1:]) * items.dtype.itemsize
    return max(1, min(_MOST_AT_ONCE, _BYTES_AT_ONCE // max(1, item_bytes)))


def in_chunks(count: int, size: int) -> Iterator[list[int]]:
    """The indices 0 to ``count - 1`` in order, ``size`` at a time."""
    return (list(range(first, min(first + size, count))) for first in range(0, count, size))


def in_order(items: Tensor | StoredImages, size: int) -> Iterator[Tensor]:
    """All items in order, ``[B, *shape]`` with B = ``size`` but for the last; workers read those that are stored."""
    if isinstance(items, Tensor):
        yield from torch.split(items, size)
        return
    batches = items.batches(in_chunks(len(items), size))
    try:
        yield from batches
    finally:
        batches.close()


def into_memory(items: StoredImages) -> Tensor:
    """All items as one tensor, read in order."""
    held = torch.empty(items.shape, dtype=items.dtype)
    first = 0
    for batch in in_order(items, at_once(items)):
        held[first : first + len(batch)] = batch
        first += len(batch)
    return held


def sha256_of(items: Tensor | StoredImages) -> str:
    """The hash of all bytes in order, in hexadecimal."""
    digest = hashlib.sha256()
    for batch in in_order(items, at_once(items)):
        digest.update(bytes_of(batch))
    return digest.hexdigest()


def bytes_of(items: Tensor) -> memoryview:
    """The bytes of a tensor of any dtype in C order, without a copy where it has that order on the CPU."""
    return items.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data
