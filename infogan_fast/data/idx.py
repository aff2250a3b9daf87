"""IDX files, the format MNIST is published in: one file, plain or gzip, to one array.

A file is a big-endian header (two zero bytes, a type code, the number of dimensions, then each dimension as 32 bits)
followed by the values. Unsigned bytes, type code 0x08, are the only type that image sets use and the only one read.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from infogan_fast.data.gzip_stream import GZIP_MAGIC, MOST_EXPANSION, GzipStream
from infogan_fast.data.images import DataError
from infogan_fast.data.memory import check_fits
from infogan_fast.data.stored_array import ArrayInFile
from infogan_fast.regular_files import open_regular, read_into

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path, dimensions: int, *, labels_of: tuple[object, int] | None = None) -> NDArray[np.uint8]:
    """The array held by an IDX file of unsigned bytes.

    The header is read first and compared with the file and the free memory. Gzip data are unpacked as far as it says.

    Args:
        path: the file; gzip is told by its content, not by its name.
        dimensions: how many the array must have: 3 for images ``[N, H, W]``, 1 for labels ``[N]``.
        labels_of: the file of images that the array is labels of, and how many they are, which N must be; None for any.

    Raises:
        DataError: the file cannot be read, its gzip data are damaged, its magic number is another one, it holds fewer
            or more bytes than its header announces, or no value, or not one per image, or it would not fit into
            memory. The message names the file, what was found and what was expected.
    """
    with _opened(path) as (file, size, packed):
        content = GzipStream(file) if packed else _Plain(file)
        start = bytearray(4 + 4 * dimensions)
        del start[content.read_into(memoryview(start)) :]
        offset, shape = _checked_header(path, dimensions, bytes(start))
        total = offset + math.prod(shape)
        if packed and total > size * MOST_EXPANSION:
            raise _wrong_length(
                path, shape, total, "truncated", f"at most {size * MOST_EXPANSION} from {size} of gzip data"
            )
        if not packed and total != size:
            raise _wrong_length(path, shape, total, "truncated" if size < total else "has trailing bytes", str(size))
        if labels_of is not None and shape[0] != labels_of[1]:
            raise DataError(f"{path}: {shape[0]} labels, but {labels_of[0]} holds {labels_of[1]} images")
        if 0 in shape:
            raise DataError(f"{path}: holds no {_kind(dimensions)}: {_sizes(shape)}")
        check_fits(path, total, "a plain file, which gunzip makes, is streamed" if packed else "")
        array = np.empty(shape, dtype=np.uint8)
        got = offset + content.read_into(array.reshape(-1).data)
        if got < total:
            raise _wrong_length(path, shape, total, "truncated", str(got))
        if content.read(1):
            raise _wrong_length(path, shape, total, "has trailing bytes", "more")
        return array


def find_idx(path: Path, dimensions: int) -> ArrayInFile | None:
    """Where a plain IDX file holds its array; None for gzip data, which cannot be read by index, and for no values.

    Raises:
        DataError: as ``read_idx``.
    """
    with _opened(path) as (file, size, packed):
        if packed:
            return None
        offset, shape = _checked_header(path, dimensions, file.read(4 + 4 * dimensions))
        total = offset + math.prod(shape)
        if total != size:
            raise _wrong_length(path, shape, total, "truncated" if size < total else "has trailing bytes", str(size))
        return None if 0 in shape else ArrayInFile.at(path, offset, shape, np.dtype(np.uint8))


class _Plain:
    """A file as ``GzipStream`` gives the content of a packed one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, count: int) -> bytes:
        return self._file.read(count)

    def read_into(self, view: memoryview) -> int:
        return read_into(self._file, view)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int, bool]]:
    """A file at its start, its size in bytes and whether it is gzip data; errors of reading it as ``DataError``."""
    try:
        with open_regular(path) as file:
            start = file.read(2)
            packed = start == GZIP_MAGIC
            if not packed and path.suffix == ".gz":
                raise DataError(
                    f"{path}: named .gz but is not gzip data (it starts with 0x{start.hex()}, not 0x{GZIP_MAGIC.hex()})"
                )
            file.seek(0)
            yield file, os.fstat(file.fileno()).st_size, packed
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path}: its gzip data are damaged: {error}") from error


def _checked_header(path: Path, dimensions: int, start: bytes) -> tuple[int, tuple[int, ...]]:
    """Bytes before the values, and the shape, of a file that begins with ``start``."""
    header = 4 + 4 * dimensions
    expected = struct.pack(">HBB", 0, _UNSIGNED_BYTE, dimensions)
    if start[:4] != expected:
        found = f"0x{start[:4].hex()}" if start else "an empty file"
        raise DataError(
            f"{path}: not an IDX file of {_kind(dimensions)}: magic number expected 0x{expected.hex()} "
            f"(unsigned bytes, {dimensions} dimension{'s' if dimensions > 1 else ''}), got {found}"
        )
    if len(start) < header:
        raise DataError(f"{path}: truncated in its header: expected {header} bytes, got {len(start)}")
    return header, struct.unpack(f">{dimensions}I", start[4:header])


def _wrong_length(path: Path, shape: tuple[int, ...], total: int, problem: str, got: str) -> DataError:
    return DataError(
        f"{path}: {problem}: its header announces {_sizes(shape)} values, so expected {total} bytes, got {got}"
    )


def _kind(dimensions: int) -> str:
    return "images" if dimensions == 3 else "labels"


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
