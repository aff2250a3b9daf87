"""The items of any ``torch.utils.data.Dataset``, with their labels: held in memory, or read when they are needed."""

from __future__ import annotations

import hashlib
import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from infogan_fast.data.arrays import items_of_array
from infogan_fast.data.errors import DataError
from infogan_fast.data.memory import Streaming, check_fits
from infogan_fast.data.stored import StoredImages, bytes_of, in_chunks
from infogan_fast.data.workers import read_ahead

_ITEMS_AT_ONCE = 32


def items_of_dataset(
    dataset: Dataset[Any], name: str, limit: int | None, streaming: Streaming
) -> tuple[Tensor | StoredImages, Tensor | None]:
    """Take the items ``[N, *shape]`` of a dataset, and labels int64 ``[N]`` if items have them.

    Arguments and errors are those of ``ImageData.from_dataset``.
    """
    if limit is not None and limit < 1:
        raise DataError(f"{name}: limit: got {limit}, allowed: at least 1, or None")
    by_index = not isinstance(dataset, IterableDataset)
    values: list[NDArray[Any]] = []
    labels = Labels(name)
    for index, item in enumerate(itertools.islice(_items(dataset, name), limit)):
        value, label = value_and_label(item, f"{name}: item {index}")
        if index == 0:
            needed = 2 * value.nbytes * _length(dataset, limit)  # for a moment, as items and as one array
            if by_index and streaming.wanted(name, needed):
                items = ItemImages(dataset, name, _length(dataset, limit), value, streaming.processes)
                return items, items.scan()
            check_fits(name, needed, "a dataset whose items have an index, not an IterableDataset, is streamed")
        else:
            _check_like_first(name, index, value, values[0])
        labels.append(label)
        values.append(value)
    if not values:
        raise DataError(f"{name}: the dataset is empty")
    return torch.from_numpy(np.stack(values)), labels.tensor()


def value_and_label(item: Any, what: str) -> tuple[NDArray[Any], int | None]:
    """The value of an item, as the trainer takes it, and its label, if it has one.

    Args:
        item: an image or another value, or that and its label.
        what: the item, with which messages begin.

    Returns:
        uint8 ``[C, H, W]``, or float32 or float64 of any shape, finite; and the label.

    Raises:
        DataError: it is something else.
    """
    value, label = _parts(item, what)
    array = _array(value, what)
    if array.ndim == 0 or (array.dtype == np.uint8 and array.ndim not in (2, 3)):
        allowed = "an image [H, W], [H, W, C] or [C, H, W] of uint8, or floating point of one dimension or more"
        raise DataError(f"{what}: got {array.dtype} {list(array.shape)}, allowed: {allowed}")
    [array] = items_of_array(what, array[None])
    if array.dtype != np.uint8 and not np.isfinite(array).all():
        raise DataError(f"{what} holds NaN or infinity, allowed: finite values")
    return array, label


class Labels:
    """The labels of a dataset's items in order; either all items have one or none has."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0
        self._labels: list[int] = []

    def append(self, label: int | None) -> None:
        """Add the next item's label; a ``DataError`` says that it has one and item 0 has none, or the reverse."""
        if self._count > 0 and (label is None) != (not self._labels):
            has = "lacks" if label is None else "has"
            raise DataError(f"{self._name}: item {self._count} {has} a label, unlike item 0")
        if label is not None:
            self._labels.append(label)
        self._count += 1

    def tensor(self) -> Tensor | None:
        """Return the labels as int64 ``[N]``, None if items have none."""
        return torch.tensor(self._labels, dtype=torch.int64) if self._labels else None


class ItemImages(StoredImages):
    """The first ``count`` items of a dataset, read when they are needed.

    Args:
        dataset: has items by index.
        name: of the data.
        count: how many items.
        first: the value of item 0, whose shape and dtype the others must have.
        workers: how many processes read them.
    """

    def __init__(self, dataset: Dataset[Any], name: str, count: int, first: NDArray[Any], workers: int) -> None:
        like = torch.from_numpy(np.zeros_like(first))
        super().__init__(name, (count, *like.shape), workers, dtype=like.dtype)
        self._dataset, self._first = dataset, like.numpy()

    def scan(self) -> Tensor | None:
        """Read all items once, in order: keep their hash, and return their labels, int64 ``[N]``, None if none."""
        labels, digest = Labels(self.name), hashlib.sha256()
        with closing(
            read_ahead(self.read_with_labels, in_chunks(len(self), _ITEMS_AT_ONCE), self.workers, self.name)
        ) as parts:
            for values, part_labels in parts:
                digest.update(bytes_of(values))
                for label in part_labels:
                    labels.append(label)
        self._sha256 = digest.hexdigest()
        return labels.tensor()

    def read(self, indices: Sequence[int]) -> Tensor:
        """Read some items; a ``DataError`` says that one is gone, or no longer like the others."""
        return self.read_with_labels(indices)[0]

    def read_with_labels(self, indices: Sequence[int]) -> tuple[Tensor, list[int | None]]:
        """Read some items and their labels."""
        values, labels = np.empty((len(indices), *self.shape[1:]), dtype=self._first.dtype), []
        for target, index in zip(values, indices, strict=True):
            item = _item(self._dataset, self.name, index)
            value, label = value_and_label(item, f"{self.name}: item {index}")
            _check_like_first(self.name, index, value, self._first)
            target[:] = value
            labels.append(label)
        return torch.from_numpy(values), labels


def _items(dataset: Dataset[Any], name: str) -> Iterator[Any]:
    if isinstance(dataset, IterableDataset):
        return iter(dataset)
    if not hasattr(dataset, "__len__"):
        allowed = "a dataset with a length and items by index, or an IterableDataset"
        raise DataError(f"{name}: {type(dataset).__name__} has no length, allowed: {allowed}")
    # Not iter(dataset): for a class with __getitem__ alone that would run on until IndexError, which not all raise.
    return (_item(dataset, name, index) for index in range(len(dataset)))


def _item(dataset: Any, name: str, index: int) -> Any:
    """One item; a ``DataError`` says which could not be read."""
    try:
        return dataset[index]
    except DataError:
        raise
    except Exception as error:  # whatever a dataset of the user's own raises
        text = str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise DataError(f"{name}: item {index}: cannot be read: {text}") from error


def _length(dataset: Any, limit: int | None) -> int:
    """How many items will be read; 1 where the dataset does not say."""
    try:
        count = len(dataset)
    except (TypeError, NotImplementedError):
        return limit or 1
    return count if limit is None else min(count, limit)


def _check_like_first(name: str, index: int, value: NDArray[Any], first: NDArray[Any]) -> None:
    if (value.shape, value.dtype) != (first.shape, first.dtype):
        raise DataError(
            f"{name}: item {index} is {value.dtype} {list(value.shape)}, item 0 is {first.dtype} "
            f"{list(first.shape)}; all must have one size and dtype: resize them in the dataset's transform"
        )


def _parts(item: Any, what: str) -> tuple[Any, int | None]:
    """An item's value and its label."""
    if not isinstance(item, (tuple, list)):
        return item, None
    if len(item) == 1:  # of a TensorDataset without labels
        return item[0], None
    if len(item) != 2:
        raise DataError(f"{what}: got {len(item)} values, allowed: an image or other value, or that and its label")
    value, label = item
    if isinstance(label, (Tensor, np.ndarray)) and math.prod(label.shape) == 1:
        label = label.item()
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool):
        return value, int(label)
    raise DataError(f"{what}: label: got {_described(label)}, allowed: an integer >= 0")


def _array(value: Any, what: str) -> NDArray[Any]:
    if isinstance(value, Tensor):
        return as_array(value)
    if isinstance(value, np.ndarray):
        return value
    # Where Pillow has not been imported, nothing is one of its images.
    if "PIL.Image" in sys.modules and isinstance(value, sys.modules["PIL.Image"].Image):
        from infogan_fast.data.decoding.pillow import to_array, upright_grey_or_rgb

        try:
            return to_array(upright_grey_or_rgb(value), None)
        except ValueError as error:
            raise DataError(f"{what}: {error}") from error
    raise DataError(f"{what}: got {_described(value)}, allowed: a PIL image, a tensor or an array")


def as_array(tensor: Tensor) -> NDArray[Any]:
    """A tensor as an array on the CPU, bfloat16, which NumPy lacks, as float32."""
    tensor = tensor.detach().cpu()
    return np.asarray(tensor.float() if tensor.dtype == torch.bfloat16 else tensor)


def _described(value: Any) -> str:
    shape = f" {list(value.shape)}" if isinstance(value, (Tensor, np.ndarray)) else ""
    return f"{type(value).__name__}{shape}"
