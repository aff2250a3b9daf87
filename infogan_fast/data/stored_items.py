"""Images of a ``torch.utils.data.Dataset`` that are read when they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from infogan_fast.data.arrays import Range, channels_first, check_array, range_of, to_uint8
from infogan_fast.data.errors import DataError
from infogan_fast.data.items import Labels, check_like_first, image_and_label
from infogan_fast.data.stored import StoredImages, in_chunks
from infogan_fast.data.workers import read_ahead

_ITEMS_AT_ONCE = 32


def stream_items(
    dataset: Dataset[Any], name: str, count: int, first: NDArray[Any], workers: int
) -> tuple[StoredImages, Tensor | None, tuple[str, ...]]:
    """Images, labels and notes as ``torch_dataset.gather`` gives them; all items are read once, in order.

    Args:
        dataset: has items by index.
        name: of the data.
        count: how many items are used, the first ones.
        first: the image of item 0.
        workers: processes.
    """
    check_array(name, (count, *first.shape), first.dtype)
    labels, found = Labels(name), Range()
    unsigned, signed = hashlib.sha256(), hashlib.sha256()  # of both readings of floating-point values
    parts = read_ahead(partial(_items, dataset, name), in_chunks(count, _ITEMS_AT_ONCE), workers, name)
    with closing(parts):
        for index, (array, label) in enumerate(item for part in parts for item in part):
            check_like_first(name, index, array, first)
            labels.append(label)
            image = channels_first(name, array[None])
            if image.dtype == np.uint8:
                unsigned.update(np.ascontiguousarray(image).data)
                continue
            found = found.joined(range_of(name, image, index))
            if found.low >= -1.0 and found.high <= 1.0:  # otherwise an error in the end, which gives the whole range
                signed.update(to_uint8(image, signed=True).data)
            if found.low >= 0.0 and found.high <= 1.0:
                unsigned.update(to_uint8(image, signed=False).data)
    note = None if first.dtype == np.uint8 else found.checked(name)
    digest = signed if found.signed else unsigned
    return (
        ItemImages(dataset, name, count, first, found.signed, workers, digest.hexdigest()),
        labels.tensor(),
        (note,) if note else (),
    )


class ItemImages(StoredImages):
    """The first ``count`` items of a dataset, as uint8.

    Args:
        dataset: has items by index.
        name: of the data.
        count: how many items.
        first: the image of item 0, which the others have to be like.
        signed: whether floating-point values are from -1 to 1, and else from 0 to 1.
        workers: processes.
        sha256: of the images in order.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        name: str,
        count: int,
        first: NDArray[Any],
        signed: bool,
        workers: int,
        sha256: str,
    ) -> None:
        super().__init__(name, (count, *channels_first(name, first[None]).shape[1:]), workers, sha256)
        self._dataset, self._first, self._signed = dataset, np.zeros_like(first), signed

    def read(self, indices: Sequence[int]) -> Tensor:
        """Some images; a ``DataError`` says that an item is gone, or no longer like the others."""
        arrays = []
        for index, (array, _) in zip(indices, _items(self._dataset, self.name, indices), strict=True):
            check_like_first(self.name, index, array, self._first)
            arrays.append(array)
        images = channels_first(self.name, np.stack(arrays))
        if images.dtype == np.uint8:
            return torch.from_numpy(np.ascontiguousarray(images))
        least = -1.0 if self._signed else 0.0
        for index, image in zip(indices, images, strict=True):
            found = range_of(self.name, image[None], index)
            if found.low < least or found.high > 1.0:
                raise DataError(
                    f"{self.name}: item {index} has values from {found.low:g} to {found.high:g}; "
                    f"at the start all were from {least:g} to 1"
                )
        return torch.from_numpy(to_uint8(images, self._signed))


def _items(dataset: Dataset[Any], name: str, indices: Sequence[int]) -> list[tuple[NDArray[Any], int | None]]:
    """Images and labels; a file that is gone or damaged is a ``DataError``, any other error the dataset's own."""
    items = []
    for index in indices:
        try:
            item = dataset[index]
        except OSError as error:
            raise DataError(f"{name}: item {index}: cannot be read: {error}") from error
        items.append(image_and_label(item, f"{name}: item {index}"))
    return items
