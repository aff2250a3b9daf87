"""Gzip data that are unpacked as they are read and no further."""

from __future__ import annotations

import zlib
from typing import IO

GZIP_MAGIC = b"\x1f\x8b"

#: Bytes that one byte of gzip data can become, at most: DEFLATE's greatest ratio.
MOST_EXPANSION = 1032

_GZIP = 16 + zlib.MAX_WBITS
_PACKED_AT_ONCE, _UNPACKED_AT_ONCE = 2**16, 2**20


class GzipStream:
    """Unpacks gzip data one piece after another, and compares their checksums.

    Args:
        file: the data, from the start.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._packed = b""
        self._member = zlib.decompressobj(_GZIP)
        self._ended = False

    def read(self, count: int) -> bytes:
        """Unpack at most ``count`` bytes, at least one unless the data end.

        Raises:
            zlib.error: they are damaged.
            EOFError: they are cut short.
        """
        while not self._ended and count > 0:
            if not self._packed:
                self._packed = self._file.read(_PACKED_AT_ONCE)
            at_end = not self._packed
            if self._member.eof and not self._next_member(at_end):
                continue
            content = self._member.decompress(self._packed, min(count, _UNPACKED_AT_ONCE))
            self._packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if content:
                return content
            if at_end and not self._member.eof:
                raise EOFError("they end before the end-of-stream marker")
        return b""

    def read_into(self, view: memoryview) -> int:
        """Fill bytes and return how many there were, fewer where the data end. Errors are those of ``read``."""
        done = 0
        while done < len(view):
            content = self.read(len(view) - done)
            if not content:
                break
            view[done : done + len(content)] = content
            done += len(content)
        return done

    def _next_member(self, at_end: bool) -> bool:
        """Begin the next member, if there is one; zeros between two members, and after the last, are left out."""
        self._packed = self._packed.lstrip(b"\0")
        if self._packed:
            self._member = zlib.decompressobj(_GZIP)
        elif at_end:
            self._ended = True
        return bool(self._packed)
