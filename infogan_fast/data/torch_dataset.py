"""A data set from any ``torch.utils.data.Dataset``: its items, gathered into arrays once, or read when needed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from infogan_fast.data.arrays import images_of_array
from infogan_fast.data.images import DataError
from infogan_fast.data.items import Labels, check_like_first, image_and_label
from infogan_fast.data.memory import check_fits
from infogan_fast.data.stored import StoredImages
from infogan_fast.data.stored_items import stream_items
from infogan_fast.data.streaming import Streaming


def gather(
    dataset: Dataset[Any], name: str, limit: int | None, streaming: Streaming
) -> tuple[Tensor | StoredImages, Tensor | None, tuple[str, ...]]:
    """Images uint8 ``[N, C, H, W]``, labels int64 ``[N]`` or None, and notes; see ``ImageData.from_dataset``."""
    if limit is not None and limit < 1:
        raise DataError(f"{name}: limit: got {limit}, allowed: at least 1, or None")
    by_index = not isinstance(dataset, IterableDataset)
    arrays: list[NDArray[Any]] = []
    labels = Labels(name)
    for index, item in enumerate(itertools.islice(_items(dataset), limit)):
        array, label = image_and_label(item, f"{name}: item {index}")
        if index == 0:
            needed = 2 * array.nbytes * _length(dataset, limit)  # held twice for a moment, as items and as one array
            if by_index and streaming.wanted(name, needed):
                return stream_items(dataset, name, _length(dataset, limit), array, streaming.processes)
            check_fits(name, needed, "a dataset whose items have an index, not an IterableDataset, is streamed")
        else:
            check_like_first(name, index, array, arrays[0])
        labels.append(label)
        arrays.append(array)
    if not arrays:
        raise DataError(f"{name}: the dataset is empty")
    images, note = images_of_array(name, np.stack(arrays))
    return torch.from_numpy(images), labels.tensor(), (note,) if note else ()


def _items(dataset: Dataset[Any]) -> Iterator[Any]:
    if isinstance(dataset, IterableDataset):
        return iter(dataset)
    # Not iter(dataset): for a class with __getitem__ alone that would run on until IndexError, which not all raise.
    return (dataset[index] for index in range(len(dataset)))  # type: ignore[arg-type]


def _length(dataset: Any, limit: int | None) -> int:
    """How many items will be read; 1 where nobody knows."""
    try:
        count = len(dataset)
    except (TypeError, NotImplementedError):
        return limit or 1
    return count if limit is None else min(count, limit)
