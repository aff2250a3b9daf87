"""A data set from any ``torch.utils.data.Dataset``: its items, gathered into arrays once."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from infogan_fast.data.arrays import images_of_array
from infogan_fast.data.images import DataError
from infogan_fast.data.memory import check_fits


def gather(dataset: Dataset[Any], name: str, limit: int | None) -> tuple[Tensor, Tensor | None, tuple[str, ...]]:
    """Images uint8 ``[N, C, H, W]``, labels int64 ``[N]`` or None, and notes; see ``ImageData.from_dataset``."""
    if limit is not None and limit < 1:
        raise DataError(f"{name}: limit: got {limit}, allowed: at least 1, or None")
    arrays: list[NDArray[Any]] = []
    labels: list[int] = []
    for index, item in enumerate(itertools.islice(_items(dataset), limit)):
        image, label = _parts(item, f"{name}: item {index}")
        array = _array(image, f"{name}: item {index}")
        if index == 0:
            # They are held twice for a moment, as items and as one array.
            check_fits(name, 2 * array.nbytes * _length(dataset, limit))
        elif (array.shape, array.dtype) != (arrays[0].shape, arrays[0].dtype):
            raise DataError(
                f"{name}: item {index} is {array.dtype} {list(array.shape)}, item 0 is {arrays[0].dtype} "
                f"{list(arrays[0].shape)}; all must have one size and dtype: resize them in the dataset's transform"
            )
        if index > 0 and (label is None) != (not labels):
            raise DataError(f"{name}: item {index} {'lacks' if label is None else 'has'} a label, unlike item 0")
        arrays.append(array)
        if label is not None:
            labels.append(label)
    if not arrays:
        raise DataError(f"{name}: the dataset is empty")
    images, note = images_of_array(name, np.stack(arrays))
    return (
        torch.from_numpy(images),
        torch.tensor(labels, dtype=torch.int64) if labels else None,
        (note,) if note else (),
    )


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


def _parts(item: Any, what: str) -> tuple[Any, int | None]:
    """The image and the label of an item."""
    if not isinstance(item, (tuple, list)):
        return item, None
    if len(item) == 1:  # of a TensorDataset of images alone
        return item[0], None
    if len(item) != 2:
        raise DataError(f"{what}: got {len(item)} values, allowed: an image, or an image and its label")
    image, label = item
    if isinstance(label, (Tensor, np.ndarray)) and math.prod(label.shape) == 1:
        label = label.item()
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool):
        return image, int(label)
    raise DataError(f"{what}: label: got {_described(label)}, allowed: an integer >= 0")


def _array(image: Any, what: str) -> NDArray[Any]:
    """An image as uint8 or floating point, ``[H, W]``, ``[H, W, C]`` or ``[C, H, W]``."""
    if isinstance(image, Tensor):
        image = image.detach().cpu()
        return np.asarray(image.float() if image.dtype == torch.bfloat16 else image)
    if isinstance(image, np.ndarray):
        return image
    # Where Pillow has not been imported, nothing is one of its images.
    if "PIL.Image" in sys.modules and isinstance(image, sys.modules["PIL.Image"].Image):
        from infogan_fast.data.pillow import grey_or_rgb, to_array

        return to_array(grey_or_rgb(image), None)
    raise DataError(
        f"{what}: got {_described(image)}, allowed: a PIL image, or a tensor or array [H, W], [H, W, C] or [C, H, W]"
    )


def _described(value: Any) -> str:
    shape = f" {list(value.shape)}" if isinstance(value, (Tensor, np.ndarray)) else ""
    return f"{type(value).__name__}{shape}"
