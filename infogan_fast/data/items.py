"""Items of a ``torch.utils.data.Dataset``: an image, and perhaps its label."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.errors import DataError


def image_and_label(item: Any, what: str) -> tuple[NDArray[Any], int | None]:
    """The image of an item, ``[H, W]``, ``[H, W, C]`` or ``[C, H, W]``, and its label, if it has one.

    Raises:
        DataError: it is something else. The message begins with ``what``.
    """
    image, label = _parts(item, what)
    return _array(image, what), label


def check_like_first(name: str, index: int, array: NDArray[Any], first: NDArray[Any]) -> None:
    """Raise a ``DataError`` unless an item's image has size and dtype of item 0's."""
    if (array.shape, array.dtype) != (first.shape, first.dtype):
        raise DataError(
            f"{name}: item {index} is {array.dtype} {list(array.shape)}, item 0 is {first.dtype} "
            f"{list(first.shape)}; all must have one size and dtype: resize them in the dataset's transform"
        )


class Labels:
    """Labels of all items of a dataset, or none of any."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0
        self._labels: list[int] = []

    def append(self, label: int | None) -> None:
        """Of the next item. A ``DataError`` says that it has one and item 0 has none, or the other way round."""
        if self._count > 0 and (label is None) != (not self._labels):
            has = "lacks" if label is None else "has"
            raise DataError(f"{self._name}: item {self._count} {has} a label, unlike item 0")
        if label is not None:
            self._labels.append(label)
        self._count += 1

    def tensor(self) -> Tensor | None:
        """Int64 ``[N]``."""
        return torch.tensor(self._labels, dtype=torch.int64) if self._labels else None


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
        from infogan_fast.data.pillow import to_array, upright_grey_or_rgb

        try:
            return to_array(upright_grey_or_rgb(image), None)
        except ValueError as error:
            raise DataError(f"{what}: {error}") from error
    raise DataError(
        f"{what}: got {_described(image)}, allowed: a PIL image, or a tensor or array [H, W], [H, W, C] or [C, H, W]"
    )


def _described(value: Any) -> str:
    shape = f" {list(value.shape)}" if isinstance(value, (Tensor, np.ndarray)) else ""
    return f"{type(value).__name__}{shape}"
