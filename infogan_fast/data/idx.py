"""IDX files, the format MNIST is published in: one file, plain or gzip, to one array.

A file is a big-endian header (two zero bytes, a type code, the number of dimensions, then each dimension as 32 bits)
followed by the values. Unsigned bytes, type code 0x08, are the only type that image sets use and the only one read.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infogan_fast.data.images import DataError
from infogan_fast.data.memory import check_fits
from infogan_fast.data.stored_array import ArrayInFile

_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array held by an IDX file of unsigned bytes.

    Args:
        path: the file; gzip is told by its content, not by its name.
        dimensions: how many the array must have: 3 for images ``[N, H, W]``, 1 for labels ``[N]``.

    Raises:
        DataError: the file cannot be read, its gzip data are damaged, its magic number is another one, it holds fewer
            or more bytes than its header announces, or it would not fit into memory. The message names the file, what
            was found and what was expected.
    """
    content = _read_bytes(path)
    offset, shape = _checked_header(path, dimensions, content, len(content))
    return np.frombuffer(content, dtype=np.uint8, offset=offset).reshape(shape)


def find_idx(path: Path, dimensions: int) -> ArrayInFile | None:
    """Where a plain IDX file holds its array; None for gzip data, which cannot be read by index.

    Raises:
        DataError: as ``read_idx``.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(4 + 4 * dimensions)
        if start.startswith(_GZIP_MAGIC) or path.suffix == ".gz":
            return None
        offset, shape = _checked_header(path, dimensions, start, path.stat().st_size)
        return ArrayInFile.at(path, offset, shape, np.dtype(np.uint8))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _checked_header(path: Path, dimensions: int, content: bytes, length: int) -> tuple[int, tuple[int, ...]]:
    """Bytes before the values, and the shape, of a file of ``length`` bytes that begins with ``content``."""
    header = 4 + 4 * dimensions
    expected = struct.pack(">HBB", 0, _UNSIGNED_BYTE, dimensions)
    if content[:4] != expected:
        kind = "images" if dimensions == 3 else "labels"
        found = f"0x{content[:4].hex()}" if content else "an empty file"
        raise DataError(
            f"{path}: not an IDX file of {kind}: magic number expected 0x{expected.hex()} "
            f"(unsigned bytes, {dimensions} dimension{'s' if dimensions > 1 else ''}), got {found}"
        )
    if length < header:
        raise DataError(f"{path}: truncated in its header: expected {header} bytes, got {length}")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    total = header + math.prod(shape)
    if length != total:
        problem = "truncated" if length < total else "has trailing bytes"
        size = " x ".join(str(n) for n in shape)
        raise DataError(
            f"{path}: {problem}: its header announces {size} values, so expected {total} bytes, got {length}"
        )
    return header, shape


def _read_bytes(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
        # Of gzip data the size is a lower bound.
        check_fits(path, path.stat().st_size, "a plain file, which gunzip makes, is streamed" if packed else "")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if not content.startswith(_GZIP_MAGIC):
        if path.suffix == ".gz":
            raise DataError(
                f"{path}: named .gz but is not gzip data (it starts with 0x{content[:2].hex()}, not 0x1f8b)"
            )
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}: its gzip data are damaged: {error}") from error
