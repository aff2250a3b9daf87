"""What data sets that are rendered from known factors have in common: the factors, and the number in their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.errors import DataError
from infogan_fast.data.images import ImageData


@dataclass(frozen=True)
class Factor:
    """Something that varies between the images, and the values it takes."""

    name: str
    values: tuple[str, ...] | tuple[float, ...]
    """The values, by index."""
    unit: str

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)


def rendered(
    name: str,
    render: Callable[[Tensor], Tensor],
    factors: Sequence[Factor],
    training: Tensor,
    heldout: Tensor,
) -> ImageData:
    """The data set of images that are rendered from factors, labelled with the first of these.

    Args:
        name: of the data set.
        render: makes images, uint8 ``[N, C, H, W]``, of indices of the factors, int64 ``[N, F]``.
        factors: the F factors; the values of the first are the names of the classes.
        training, heldout: indices of the images of either part.
    """
    return ImageData(
        name,
        images=render(training),
        labels=training[:, 0].clone(),
        heldout_images=render(heldout),
        heldout_labels=heldout[:, 0].clone(),
        factors=training,
        heldout_factors=heldout,
        factor_names=tuple(factor.name for factor in factors),
        factor_sizes=tuple(factor.size for factor in factors),
        class_names=tuple(map(str, factors[0].values)),
    )


def checked_columns(indices: Tensor, factors: Sequence[Factor]) -> NDArray[Any]:
    """Check indices of factors, and give them by factor.

    Args:
        indices: int64 ``[N, F]`` on any device, the index of each factor; N may be 0.
        factors: the F factors.

    Returns:
        int64 ``[F, N]``.

    Raises:
        DataError: ``indices`` are not int64 ``[N, F]``, or an index is out of range.
    """
    if indices.dtype != torch.int64 or indices.ndim != 2 or indices.shape[1] != len(factors):
        names = ", ".join(factor.name for factor in factors)
        raise DataError(
            f"indices must be int64 [N, {len(factors)}] ({names}), got {indices.dtype} {list(indices.shape)}"
        )
    columns: NDArray[Any] = indices.cpu().numpy().T
    for factor, column in zip(factors, columns, strict=True):
        wrong = np.flatnonzero((column < 0) | (column >= factor.size))
        if len(wrong):
            raise DataError(
                f"indices: {factor.name} of row {wrong[0]}: got {column[wrong[0]]}, allowed: 0 to {factor.size - 1}"
            )
    return columns


def number_of_images(name: str, most: int) -> int:
    """The number of training images in a name such as ``sprites:200000``.

    Args:
        name: with a colon.
        most: the largest number that is allowed.

    Raises:
        DataError: what follows the colon is not a whole number from 1 to ``most``.
    """
    data, _, number = name.partition(":")
    if not re.fullmatch("[1-9][0-9]{0,8}", number):
        raise _wrong_number(data, number, most)
    return checked_number(data, int(number), most)


def checked_number(data: str, number: int, most: int) -> int:
    """The number of training images of a data set, if it is from 1 to ``most``, else a ``DataError``."""
    if not 1 <= number <= most:
        raise _wrong_number(data, str(number), most)
    return number


def _wrong_number(data: str, got: str, most: int) -> DataError:
    return DataError(
        f"data {data}:N: the number N of training images: got {got!r}, allowed: a whole number from 1 to {most}"
    )
