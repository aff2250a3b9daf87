"""The tags of TIFF files and of Exif data: how much they hold, and the orientation of an image."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_ORIENTATION = 0x0112
#: Tags that point at another directory, which Pillow reads with the first: Exif, GPS, interoperability.
_DIRECTORIES = (0x8769, 0x8825, 0xA005)

# Bytes of one value of each type. Numbers become Python's objects, of up to 250 bytes each; texts and others do not.
_TEXTS = {1: 1, 2: 1, 7: 1}
_NUMBERS = {3: 2, 4: 4, 5: 8, 6: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {3: "H", 4: "L", 8: "h", 9: "l", 13: "L", 16: "Q", 17: "q", 18: "Q"}
# Bytes; the offsets of the strips of an image of a hundred thousand rows take less.
_MOST_NUMBERS = 2**20


class _Tag(NamedTuple):
    number: int
    kind: int
    """The type of its values."""
    values: int
    """The number of its values."""
    data: bytes
    """Its values if they are short enough, and else the offset where they are."""


def check_tags(file: BinaryIO) -> None:
    """Raise if the tags of a TIFF file announce more than it can hold; other files pass. It is left at any place.

    Tags may all lie at the same place: a directory of 800 KB can announce, and Pillow would read, 65,535 times the
    whole file.

    Raises:
        ValueError: they hold more bytes than the file has, or more than a mebibyte of numbers.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(16)
    head = _head(start)
    if head is None:
        return
    order, big, first = head
    waiting, texts, numbers = [first], 0, 0
    for _ in range(1 + len(_DIRECTORIES)):
        if not waiting:
            break
        for tag in _tags(file, order, big, waiting.pop(0)):
            texts += tag.values * _TEXTS.get(tag.kind, 0)
            numbers += tag.values * _NUMBERS.get(tag.kind, 0)
            if numbers > _MOST_NUMBERS or texts > size:
                raise ValueError(
                    f"its tags announce {texts + numbers} bytes, of which numbers may take {_MOST_NUMBERS}"
                )
            if tag.number in _DIRECTORIES and (values := _integers(file, order, big, tag)):
                waiting.append(values[0])


def orientation_in(exif: BinaryIO) -> int | None:
    """The orientation of an image, 1 to 8, by its Exif data, which begin with a TIFF header; None if it is missing."""
    exif.seek(0)
    head = _head(exif.read(16))
    if head is None:
        return None
    order, big, first = head
    for tag in _tags(exif, order, big, first):
        if tag.number == _ORIENTATION:
            values = _integers(exif, order, big, tag)
            return values[0] if values else None
    return None


def _head(start: bytes) -> tuple[str, bool, int] | None:
    """The byte order, whether it is BigTIFF, and the offset of the first directory; None if it is no TIFF header."""
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    if order is None or len(start) < 8 or not {42, 43} & set(start[2:4]):
        return None
    big = start[2] == 43  # as Pillow tells it: of big-endian files it reads no BigTIFF
    if big and len(start) < 16:
        return None
    (first,) = struct.unpack(f"{order}Q", start[8:16]) if big else struct.unpack(f"{order}L", start[4:8])
    return order, big, first


def _tags(file: BinaryIO, order: str, big: bool, offset: int) -> Iterator[_Tag]:
    """The tags of the directory at an offset, as far as the file holds them."""
    form = struct.Struct(f"{order}HHQ8s" if big else f"{order}HHL4s")
    counted = struct.Struct(f"{order}Q" if big else f"{order}H")
    start = _read_at(file, offset, counted.size)
    if len(start) < counted.size:
        return
    at = offset + counted.size
    for _ in range(counted.unpack(start)[0]):
        entry = _read_at(file, at, form.size)
        if len(entry) < form.size:
            return
        yield _Tag(*form.unpack(entry))
        at += form.size


def _integers(file: BinaryIO, order: str, big: bool, tag: _Tag) -> tuple[int, ...]:
    """The first value of a tag of integers, if it has one."""
    letter = _INTEGERS.get(tag.kind)
    if letter is None or tag.values == 0:
        return ()
    width = struct.calcsize(f"={letter}")
    data = tag.data
    if tag.values * width > len(data):
        data = _read_at(file, struct.unpack(f"{order}{'Q' if big else 'L'}", data)[0], width)
    return struct.unpack(f"{order}{letter}", data[:width]) if len(data) >= width else ()


def _read_at(file: BinaryIO, offset: int, count: int) -> bytes:
    if offset >= 2**63 - 1:
        return b""
    file.seek(offset)
    return file.read(count)
