"""The header of ``.npy`` data: what array it announces."""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from infogan_fast.data.errors import DataError

# Bytes. NumPy's own limit for files that are not trusted; it writes headers of 128.
_LONGEST = 10_000
_MOST_DIMENSIONS = 32
_MOST_BYTES = 2**62
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_LENGTHS = {(1, 0): "<H", (2, 0): "<I"}

# The Python literal that a header is, as any program writes it for an array of numbers: three keys in any order, of
# which a type is a letter and a size, and a shape is numbers (of Python 2: with an L). Nothing nests.
_TYPE = rb"""(?:'[<>=|]?[A-Za-z?]\d{0,4}'|"[<>=|]?[A-Za-z?]\d{0,4}")"""
_SHAPE = rb"""\(\s*(?:\d{1,19}L?\s*,\s*)*(?:\d{1,19}L?\s*)?\)"""
_ENTRY = rb"""(?:['"]descr['"]\s*:\s*%s|['"]fortran_order['"]\s*:\s*(?:True|False)|['"]shape['"]\s*:\s*%s)\s*""" % (
    _TYPE,
    _SHAPE,
)
_PLAIN = re.compile(rb"\s*\{\s*%s,\s*%s,\s*%s(?:,\s*)?\}\s*" % (_ENTRY, _ENTRY, _ENTRY))


@dataclass(frozen=True)
class ArrayHeader:
    """What an array is, before any of it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool = False
    """Whether its first index changes fastest."""

    @property
    def count(self) -> int:
        """How many values it has."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its values."""
        return self.count * self.dtype.itemsize


def read_header(file: IO[bytes], what: str) -> ArrayHeader:
    """The header at the start of ``.npy`` data; the file is left at the first value.

    At most some ten thousand bytes are read, and nothing is made of the array. NumPy's own reader sees a header only
    once it is known to be one of an array of numbers: it parses Python, and raises nearly anything at damaged ones.

    Raises:
        ValueError: it is damaged, or of an array of structures.
        DataError: the array is of Python objects. The message begins with ``what``.
    """
    version = np.lib.format.read_magic(file)
    if version not in _READERS:  # only arrays of structures with names beyond Latin 1 have another
        raise ValueError(f"version {version} of the format")
    size = struct.calcsize(_LENGTHS[version])
    start = _exactly(file, size)
    (length,) = struct.unpack(_LENGTHS[version], start)
    if length > _LONGEST:
        raise ValueError(f"a header of {length} bytes, allowed: {_LONGEST}")
    text = _exactly(file, length)
    if _PLAIN.fullmatch(text) is None:
        raise ValueError("its header is not that of an array of numbers")
    with warnings.catch_warnings():  # a header that Python 2 wrote takes NumPy longer, which it remarks upon
        warnings.simplefilter("ignore")
        shape, fortran_order, dtype = _READERS[version](io.BytesIO(start + text))
    if dtype.hasobject:
        raise DataError(f"{what}: holds pickled Python objects, which are never loaded; allowed: plain arrays")
    header = ArrayHeader(shape, dtype, fortran_order)
    if len(shape) > _MOST_DIMENSIONS or header.nbytes > _MOST_BYTES or max(shape, default=0) > _MOST_BYTES:
        raise ValueError("its header announces an array beyond any computer")
    return header


def _exactly(file: IO[bytes], count: int) -> bytes:
    content = file.read(count)
    if len(content) != count:
        raise ValueError(f"its header is cut short: expected {count} bytes, got {len(content)}")
    return content
