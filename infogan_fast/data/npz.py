"""The members of an ``.npz`` file, which is a zip archive of ``.npy`` data, read as a stream."""

from __future__ import annotations

import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast

from infogan_fast.data.npy_header import ArrayHeader, read_header

_SUFFIX = ".npy"
_ENCRYPTED = 1  # bit of a member's flags
# Bytes. An archive's list of members is read whole, and takes some twenty times its size as Python's objects.
_LONGEST_LIST = 2**20


class Members:
    """The arrays of an archive, by their keys. Nothing is read but its list, until it is asked for.

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
        """What array a member announces; the member is as long as that.

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
        """A member at its first value. It ends where the archive's list says, whatever its packed data hold."""
        with self._open(key) as file:
            read_header(file, key)
            yield file

    @contextmanager
    def _open(self, key: str) -> Iterator[BinaryIO]:
        with _damage_as_bad_zip(), self._archive.open(key + _SUFFIX) as file:
            yield cast("BinaryIO", file)


@contextmanager
def _damage_as_bad_zip() -> Iterator[None]:
    """What else ``zipfile`` raises at damaged archives, in which sizes and offsets are nonsense."""
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
