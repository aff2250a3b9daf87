"""Images of an array in a file: read from its start to its end, or, where they are needed, by index."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.arrays import Range, channels_first, check_array, range_of, to_uint8
from infogan_fast.data.errors import DataError, reading
from infogan_fast.data.memory import check_fits
from infogan_fast.data.sources.npy import ArrayHeader
from infogan_fast.data.stored import StoredImages, at_once, in_chunks
from infogan_fast.data.workers import read_ahead
from infogan_fast.regular_files import open_regular, read_into

#: Opens a file at the first value of an array.
OpenValues: TypeAlias = Callable[[], AbstractContextManager[BinaryIO]]

_BYTES_AT_ONCE = 2**20
_CONVERTING = 24  # bytes per floating-point value that is converted: copies in float64
_Part: TypeAlias = "tuple[int | slice, ...]"


def read_images(what: str, header: ArrayHeader, open_values: OpenValues) -> tuple[NDArray[np.uint8], str | None]:
    """Read images uint8 ``[N, C, H, W]`` with no second copy of the array, and a note on floating-point values.

    Allowed are the layouts of ``arrays.ALLOWED_SHAPES``; uint8, and floating point from 0 to 1, or from -1 to 1 if a
    value is negative. The note, None for uint8, says which.

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
                    piece[...] = read_values(file, piece.shape, header.dtype)
        return images, None
    found = _convert(what, header, open_values, target, signed=False)
    if found.signed and found.low >= -1.0:
        found = _convert(what, header, open_values, target, signed=True)
    return images, found.checked(what)


def read_values(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read the next values of a file as an array in C order.

    Raises:
        ValueError: the file ends before the last of them.
    """
    values = np.empty(shape, dtype=dtype)
    _fill(file, values)
    return values


@dataclass(frozen=True)
class ArrayInFile:
    """An array in a file, in C order, whose rows are read by index.

    Rows are read from the file, not mapped: of a file that is cut short, a mapping ends the process.
    """

    path: Path
    offset: int
    """How many bytes come before its first value."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    modified_ns: int
    """When the file was last written."""

    @classmethod
    def at(cls, path: Path, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> ArrayInFile:
        """Describe an array of a file as it is now.

        Raises:
            OSError: there is no file.
            DataError: it is shorter than the array.
        """
        status = path.stat()
        expected = offset + math.prod(shape) * dtype.itemsize
        if status.st_size < expected:
            raise DataError(f"{path}: truncated: expected {expected} bytes, got {status.st_size}")
        return cls(path, offset, shape, dtype, status.st_mtime_ns)

    def rows(self, indices: Sequence[int]) -> NDArray[Any]:
        """Read ``array[indices]``.

        Raises:
            DataError: the file is gone, or has been written to.
        """
        result = np.empty((len(indices), *self.shape[1:]), dtype=self.dtype)
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        with reading(self.path), open_regular(self.path, buffered=False) as file:
            if os.fstat(file.fileno()).st_mtime_ns != self.modified_ns:
                raise DataError(f"{self.path}: was changed while it was in use")
            for row, index in zip(result, indices, strict=True):
                file.seek(self.offset + index * row_bytes)
                if read_into(file, row.reshape(-1).view(np.uint8).data) != row_bytes:
                    raise DataError(f"{self.path}: was cut short while it was in use")
        return result


class ArrayImages(StoredImages):
    """Images of a file as ``read_images`` reads them, but read when they are needed.

    Floating-point values are all read once at the start, for their range.

    Args:
        array: ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]``, uint8 or floating point.
        workers: how many processes read them.

    Raises:
        DataError: values are not finite or out of range.
    """

    def __init__(self, array: ArrayInFile, workers: int) -> None:
        name = str(array.path)
        shape = channels_first(name, np.broadcast_to(np.uint8(0), array.shape)).shape
        super().__init__(name, shape, workers)
        self._array = array
        if at_once(self) == 1:  # a large one: smaller ones are read some megabytes at a time
            per_value = array.dtype.itemsize + (0 if array.dtype == np.uint8 else _CONVERTING)
            check_fits(name, math.prod(shape[1:]) * per_value)
        self.note: str | None = None
        """Which range floating-point values were taken to have; None for uint8."""
        self._signed = False
        if array.dtype != np.uint8:
            found = Range()
            for part in read_ahead(self._range, in_chunks(len(self), at_once(self)), workers, name):
                found = found.joined(part)
            self.note, self._signed = found.checked(name), found.signed

    def read(self, indices: Sequence[int]) -> Tensor:
        """Read some images; a ``DataError`` says that the file is gone or has changed."""
        rows = channels_first(self.name, self._array.rows(indices))
        if rows.dtype == np.uint8:
            return torch.from_numpy(np.ascontiguousarray(rows))
        return torch.from_numpy(to_uint8(rows, self._signed))

    def _range(self, indices: list[int]) -> Range:
        return range_of(self.name, channels_first(self.name, self._array.rows(indices)), indices[0])


def _convert(what: str, header: ArrayHeader, open_values: OpenValues, target: NDArray[np.uint8], signed: bool) -> Range:
    """Read floating-point values into ``target``, and stop where they turn out not to be as ``signed`` says."""
    found = Range()
    with open_values() as file:
        for part in _parts(target.shape, header.dtype.itemsize):
            piece = target[part]
            values = read_values(file, piece.shape, header.dtype)
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


def _fill(file: BinaryIO, values: NDArray[Any]) -> None:
    """Read all bytes of a contiguous array."""
    view = values.reshape(-1).view(np.uint8).data
    got = read_into(file, view)
    if got < len(view):
        raise ValueError(f"truncated: {len(view) - got} bytes and more are missing at the end")
