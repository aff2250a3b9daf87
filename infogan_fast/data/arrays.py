"""Arrays of images in the usual layouts and ranges, to uint8 ``[N, C, H, W]``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from infogan_fast.data.images import DataError

ALLOWED_SHAPES = "[N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or 3"
ALLOWED_VALUES = "uint8, or floating point from 0 to 1 or from -1 to 1"

_AT_ONCE = 1024  # images that are converted together, so that no second copy of all in floating point is needed


def check_array(what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Whether an array of images, not yet read, has an allowed shape and dtype.

    Raises:
        DataError: it has not. The message begins with ``what``.
    """
    if dtype != np.uint8 and dtype.kind != "f":
        raise DataError(f"{what}: got dtype {dtype}, allowed: {ALLOWED_VALUES}")
    _channel_axis(what, shape)
    if 0 in shape:
        raise DataError(f"{what}: holds no images: shape {list(shape)}")


def images_of_array(what: str, array: NDArray[Any]) -> tuple[NDArray[np.uint8], str | None]:
    """Images of an array, and what was taken to be the range of floating-point values; None for uint8.

    Args:
        what: the array, in messages.
        array: ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]``; uint8, or floating point from 0 to 1, or from -1 to
            1 if a value is negative.

    Returns:
        uint8 ``[N, C, H, W]``, a copy; and a note.

    Raises:
        DataError: shape, dtype or range are others, or a value is not finite; the message says what was found.
    """
    check_array(what, array.shape, array.dtype)
    axis = _channel_axis(what, array.shape)
    array = array[:, None] if axis is None else np.moveaxis(array, axis, 1)
    if array.dtype == np.uint8:
        return np.array(array, order="C"), None
    low, high = _range(what, array)
    if low < -1.0 or high > 1.0:
        raise DataError(f"{what}: got values from {low:g} to {high:g}, allowed: {ALLOWED_VALUES}")
    images = np.empty(array.shape, dtype=np.uint8)
    shift, scale = (1.0, 127.5) if low < 0.0 else (0.0, 255.0)
    for first in range(0, len(array), _AT_ONCE):
        values = array[first : first + _AT_ONCE].astype(np.float64)
        images[first : first + _AT_ONCE] = np.rint((values + shift) * scale)
    return images, f"values: floating point from {low:g} to {high:g}, taken as {'-1 to 1' if low < 0.0 else '0 to 1'}"


def _channel_axis(what: str, shape: tuple[int, ...]) -> int | None:
    """Which axis of ``[N, ...]`` the channels are; None if there is none."""
    if len(shape) == 3:
        return None
    axes = [axis for axis in (1, 3) if len(shape) == 4 and shape[axis] in (1, 3)]
    if len(axes) == 1:
        return axes[0]
    ambiguous = "; both axes could be the channels" if axes else ""
    raise DataError(f"{what}: got shape {list(shape)}, allowed: {ALLOWED_SHAPES}{ambiguous}")


def _range(what: str, array: NDArray[Any]) -> tuple[float, float]:
    """Least and greatest value of a floating-point array ``[N, C, H, W]``."""
    low, high = np.inf, -np.inf
    for first in range(0, len(array), _AT_ONCE):
        values = array[first : first + _AT_ONCE]
        finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
        if not finite.all():
            raise DataError(
                f"{what}: image {first + int(finite.argmin())} holds NaN or infinity, allowed: {ALLOWED_VALUES}"
            )
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return low, high
