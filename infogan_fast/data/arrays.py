"""Layouts and ranges of arrays, and how they become items of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infogan_fast.data.errors import DataError

ALLOWED_SHAPES = "[N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or 3"
ALLOWED_VALUES = "uint8, or floating point from 0 to 1 or from -1 to 1"


def check_array(what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise a ``DataError`` unless an array of images, not yet read, has an allowed shape and dtype.

    The message begins with ``what``.
    """
    if dtype != np.uint8 and dtype.kind != "f":
        raise DataError(f"{what}: got dtype {dtype}, allowed: {ALLOWED_VALUES}")
    _channel_axis(what, shape)
    if 0 in shape:
        raise DataError(f"{what}: holds no images: shape {list(shape)}")


def items_of_array(what: str, array: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.floating[Any]]:
    """An array as the items of a data set: uint8 is images, floating point is taken as it is.

    Args:
        what: the array, in messages.
        array: uint8 ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]`` with C 1 or 3; or floating point
            ``[N, *shape]``.

    Returns:
        uint8 ``[N, C, H, W]``; or ``[N, *shape]``, float32 of a half-precision array and else float32 or float64 as it
        was. A view of the array where no value has to be converted.

    Raises:
        DataError: shape or dtype are others.
    """
    if array.dtype == np.uint8:
        return channels_first(what, array)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise DataError(f"{what}: got dtype {array.dtype}, allowed: uint8, for images, or float16, float32 or float64")
    return array.astype(np.float64 if array.dtype.itemsize == 8 else np.float32, copy=False)


def channels_first(what: str, array: NDArray[Any]) -> NDArray[Any]:
    """A view ``[N, C, H, W]`` of an array in an allowed layout."""
    axis = _channel_axis(what, array.shape)
    return array[:, None] if axis is None else np.moveaxis(array, axis, 1)


@dataclass(frozen=True)
class Range:
    """The least and the greatest value of floating-point images."""

    low: float = np.inf
    high: float = -np.inf

    @property
    def signed(self) -> bool:
        """Whether the values are taken as -1 to 1, not as 0 to 1."""
        return self.low < 0.0

    def joined(self, other: Range) -> Range:
        """Return the smallest range that contains both."""
        return Range(min(self.low, other.low), max(self.high, other.high))

    def checked(self, what: str) -> str:
        """Return a note on which range the values are taken to have.

        Raises:
            DataError: they have neither.
        """
        if self.low < -1.0 or self.high > 1.0:
            raise DataError(f"{what}: got values from {self.low:g} to {self.high:g}, allowed: {ALLOWED_VALUES}")
        taken = "-1 to 1" if self.signed else "0 to 1"
        return f"values: floating point from {self.low:g} to {self.high:g}, taken as {taken}"


def range_of(what: str, array: NDArray[Any], first: int) -> Range:
    """The range of floating-point images ``[B, ...]``, the first of which has the number ``first``.

    Raises:
        DataError: a value is not finite.
    """
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        raise DataError(
            f"{what}: image {first + int(finite.argmin())} holds NaN or infinity, allowed: {ALLOWED_VALUES}"
        )
    return Range(float(array.min()), float(array.max()))


def to_uint8(array: NDArray[Any], signed: bool) -> NDArray[np.uint8]:
    """Scale floating-point values, from -1 to 1 if ``signed`` and else from 0 to 1, to 0 to 255."""
    shift, scale = (1.0, 127.5) if signed else (0.0, 255.0)
    return np.asarray(np.rint((array.astype(np.float64) + shift) * scale).astype(np.uint8), order="C")


def _channel_axis(what: str, shape: tuple[int, ...]) -> int | None:
    """The axis of ``[N, ...]`` that holds the channels; None if there is none."""
    if len(shape) == 3:
        return None
    axes = [axis for axis in (1, 3) if len(shape) == 4 and shape[axis] in (1, 3)]
    if len(axes) == 1:
        return axes[0]
    ambiguous = "; both axes could be the channels" if axes else ""
    raise DataError(f"{what}: got shape {list(shape)}, allowed: {ALLOWED_SHAPES}{ambiguous}")
