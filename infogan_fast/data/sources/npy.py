"""The ``.npy`` format, and ``.npz`` files, which are zip archives of it: arrays as their headers announce them."""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, cast

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
        """The number of values."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes of all values."""
        return self.count * self.dtype.itemsize


def read_header(file: IO[bytes], what: str) -> ArrayHeader:
    """Read the header at the start of ``.npy`` data and leave the file at the first value.

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


_SUFFIX = ".npy"
_ENCRYPTED = 1  # bit of a member's flags
# Bytes. An archive's list of members is read whole, and takes some twenty times its size as Python's objects.
_LONGEST_LIST = 2**20


class Members:
    """The arrays of an ``.npz`` file, by their keys. Nothing but its list is read until an array is asked for.

    Args:
        file: the archive; it has to stay open.

    Raises:
        zipfile.BadZipFile: it is damaged, or no archive.
    """

    def __init__(self, file: BinaryIO) -> None:
        listed = _ShortReads(file)
        with _damage_as_bad_zip():
            self._archive = zipfile.ZipFile(cast("IO[bytes]", listed))
        listed.most = None
        names = [name for name in self._archive.namelist() if name.endswith(_SUFFIX)]
        self._counts = Counter(names)
        self.keys = [name.removesuffix(_SUFFIX) for name in self._counts]

    def header(self, key: str, what: str) -> ArrayHeader:
        """Read what array a member announces, and check that the member is as long as that.

        Raises:
            ValueError, zipfile.BadZipFile: it is damaged, or packed as NumPy packs nothing.
            DataError: it holds Python objects. The message begins with ``what``.
        """
        if self._counts[key + _SUFFIX] > 1:
            raise ValueError(f"it holds {key}{_SUFFIX} more than once")
        member = self._archive.getinfo(key + _SUFFIX)
        if member.flag_bits & _ENCRYPTED:
            raise ValueError(f"{key}{_SUFFIX} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{key}{_SUFFIX} is packed by method {member.compress_type}, allowed: stored or deflated")
        with self._open(key) as file:
            header = read_header(file, what)
            expected = file.tell() + header.nbytes
        if member.file_size != expected:
            problem = "truncated" if member.file_size < expected else "has trailing bytes"
            raise ValueError(f"{key}{_SUFFIX} {problem}: expected {expected} bytes, got {member.file_size}")
        return header

    @contextmanager
    def open_values(self, key: str) -> Iterator[BinaryIO]:
        """Open a member at its first value. It ends where the archive's list says, whatever its packed data hold."""
        with self._open(key) as file:
            read_header(file, key)
            yield file

    @contextmanager
    def _open(self, key: str) -> Iterator[BinaryIO]:
        with _damage_as_bad_zip(), self._archive.open(key + _SUFFIX) as file:
            yield cast("BinaryIO", file)


@contextmanager
def _damage_as_bad_zip() -> Iterator[None]:
    """Raise as ``BadZipFile`` what else ``zipfile`` raises at damaged archives, whose sizes are nonsense."""
    try:
        yield
    except (IndexError, KeyError, NotImplementedError, OverflowError, RuntimeError, struct.error) as error:
        raise zipfile.BadZipFile(str(error)) from error


class _ShortReads:
    """A file of which no more than ``most`` bytes can be asked for at once; None for any number."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.most: int | None = _LONGEST_LIST

    def read(self, count: int = -1) -> bytes:
        if self.most is None:
            return self._file.read(count)
        content = self._file.read(self.most + 1 if count < 0 else min(count, self.most + 1))
        if len(content) > self.most:
            raise zipfile.BadZipFile(f"its list of members takes more than {self.most} bytes")
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
