"""Images of an array that is read from the start of a file to its end, as from a member of an archive."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from infogan_fast.data.arrays import Range, channels_first, check_array, range_of, to_uint8
from infogan_fast.data.npy_header import ArrayHeader
from infogan_fast.regular_files import read_into

#: Opens a file at the first value of an array.
OpenValues: TypeAlias = Callable[[], AbstractContextManager[BinaryIO]]

_BYTES_AT_ONCE = 2**20
_Part: TypeAlias = "tuple[int | slice, ...]"


def images_of_file(what: str, header: ArrayHeader, open_values: OpenValues) -> tuple[NDArray[np.uint8], str | None]:
    """Read images uint8 ``[N, C, H, W]`` with no second copy of the array, and a note on floating-point values.

    Allowed are the layouts of ``arrays.ALLOWED_SHAPES``; uint8, and floating point from 0 to 1, or from -1 to 1 if a
    value is negative. The note, None of uint8, says which.

    Args:
        what: the array, in messages.
        header: of the array.
        open_values: called once, or twice where the values turn out to be from -1 to 1.

    Raises:
        DataError: shape, dtype or range are others, or a value is not finite; the message says what was found.
        ValueError: the file ends before its last value.
    """
    check_array(what, header.shape, header.dtype)
    images = np.empty(channels_first(what, np.broadcast_to(np.uint8(0), header.shape)).shape, dtype=np.uint8)
    target = images[:, 0] if len(header.shape) == 3 else images
    if target.shape != header.shape:
        target = np.moveaxis(target, 1, 3)
    if header.fortran_order:
        target = target.T  # on the disk the last index comes first
    if header.dtype == np.uint8:
        with open_values() as file:
            for part in _parts(target.shape, 1):
                piece = target[part]
                if piece.flags.c_contiguous:
                    _fill(file, piece)
                else:
                    piece[...] = _values(file, piece.shape, header.dtype)
        return images, None
    found = _convert(what, header, open_values, target, signed=False)
    if found.signed and found.low >= -1.0:
        found = _convert(what, header, open_values, target, signed=True)
    return images, found.checked(what)


def read_values(file: BinaryIO, header: ArrayHeader) -> NDArray[Any]:
    """The whole array, of at most one dimension.

    Raises:
        ValueError: the file ends before its last value.
    """
    return _values(file, header.shape, header.dtype)


def _convert(what: str, header: ArrayHeader, open_values: OpenValues, target: NDArray[np.uint8], signed: bool) -> Range:
    """Read floating-point values into ``target``; until it is known that they are others than ``signed`` says."""
    found = Range()
    with open_values() as file:
        for part in _parts(target.shape, header.dtype.itemsize):
            piece = target[part]
            values = _values(file, piece.shape, header.dtype)
            found = found.joined(range_of(what, *_by_image(values, part, header.fortran_order)))
            if found.low < -1.0 or found.high > 1.0:
                continue  # an error in the end, which gives the whole range
            if found.signed and not signed:
                return found
            piece[...] = to_uint8(values, signed)
    return found


def _parts(shape: tuple[int, ...], itemsize: int) -> Iterator[_Part]:
    """Indices of the pieces, in their order on the disk, that are read together: at most ``_BYTES_AT_ONCE`` each."""
    axis = 0
    while axis < len(shape) - 1 and math.prod(shape[axis + 1 :]) * itemsize > _BYTES_AT_ONCE:
        axis += 1
    step = max(1, _BYTES_AT_ONCE // (math.prod(shape[axis + 1 :]) * itemsize))
    for leading in np.ndindex(*shape[:axis]):
        for first in range(0, shape[axis], step):
            yield (*leading, slice(first, first + step))


def _by_image(values: NDArray[Any], part: _Part, fortran_order: bool) -> tuple[NDArray[Any], int]:
    """A piece as ``[B, ...]``, B images or parts of images, and the number of the first."""
    *leading, last = part
    first = last.start if isinstance(last, slice) else last
    if fortran_order:
        return values.T, first if values.ndim == 1 else 0
    if not leading:
        return values, first
    image = leading[0]
    return values[None], image if isinstance(image, int) else image.start


def _values(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    values = np.empty(shape, dtype=dtype)
    _fill(file, values)
    return values


def _fill(file: BinaryIO, values: NDArray[Any]) -> None:
    """Read all bytes of a contiguous array."""
    view = values.reshape(-1).view(np.uint8).data
    got = read_into(file, view)
    if got < len(view):
        raise ValueError(f"truncated: {len(view) - got} bytes and more are missing at the end")
