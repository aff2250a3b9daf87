"""Images of an array in a file, ``.npy`` or plain IDX, that are read when they are needed."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.arrays import Range, channels_first, range_of, to_uint8
from infogan_fast.data.errors import DataError
from infogan_fast.data.memory import check_fits
from infogan_fast.data.stored import StoredImages, at_once, in_chunks
from infogan_fast.data.workers import read_ahead
from infogan_fast.regular_files import open_regular, read_into

_CONVERTING = 24  # bytes per floating-point value that is converted: copies in float64


@dataclass(frozen=True)
class ArrayInFile:
    """Where an array lies in a file, in C order.

    Rows are read from the file, not mapped: of a file that is cut short, a mapping ends the process.
    """

    path: Path
    offset: int
    """Bytes before its first value."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    modified_ns: int
    """When the file was last written."""

    @classmethod
    def at(cls, path: Path, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> ArrayInFile:
        """Of a file as it is now.

        Raises:
            OSError: there is none.
            DataError: it is shorter than the array.
        """
        status = path.stat()
        expected = offset + math.prod(shape) * dtype.itemsize
        if status.st_size < expected:
            raise DataError(f"{path}: truncated: expected {expected} bytes, got {status.st_size}")
        return cls(path, offset, shape, dtype, status.st_mtime_ns)

    def rows(self, indices: Sequence[int]) -> NDArray[Any]:
        """``array[indices]``.

        Raises:
            DataError: the file is gone, or has been written to.
        """
        result = np.empty((len(indices), *self.shape[1:]), dtype=self.dtype)
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        try:
            with open_regular(self.path, buffered=False) as file:
                if os.fstat(file.fileno()).st_mtime_ns != self.modified_ns:
                    raise DataError(f"{self.path}: was changed while it was in use")
                for row, index in zip(result, indices, strict=True):
                    file.seek(self.offset + index * row_bytes)
                    if read_into(file, row.reshape(-1).view(np.uint8).data) != row_bytes:
                        raise DataError(f"{self.path}: was cut short while it was in use")
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error.strerror or error}") from error
        return result


class ArrayImages(StoredImages):
    """Images of a file, as ``array_stream.images_of_file`` reads them.

    Floating-point values are all read once at the start, for their range.

    Args:
        array: ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]``, uint8 or floating point.
        workers: processes.

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
        """What floating-point values were taken as; None of uint8."""
        self._signed = False
        if array.dtype != np.uint8:
            found = Range()
            for part in read_ahead(self._range, in_chunks(len(self), at_once(self)), workers, name):
                found = found.joined(part)
            self.note, self._signed = found.checked(name), found.signed

    def read(self, indices: Sequence[int]) -> Tensor:
        """Some images; a ``DataError`` says that the file is gone or has changed."""
        rows = channels_first(self.name, self._array.rows(indices))
        if rows.dtype == np.uint8:
            return torch.from_numpy(np.ascontiguousarray(rows))
        return torch.from_numpy(to_uint8(rows, self._signed))

    def _range(self, indices: list[int]) -> Range:
        return range_of(self.name, channels_first(self.name, self._array.rows(indices)), indices[0])
