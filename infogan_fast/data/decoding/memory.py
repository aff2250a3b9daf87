"""The memory that decoding an image takes, estimated from its header, and the budget for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from infogan_fast.data.memory import check_fits

#: Bytes that the images which a process decodes at the same time may take together. An RGB image of as many pixels as
#: Pillow allows takes 342 MiB.
ALLOWANCE = 512 * 2**20

# Bytes; images that take less are not counted, as each thread has one of them at a time.
_SMALL = 2**20
# Bytes; for images that take more, the free memory is checked.
_LARGE = 64 * 2**20
_OF_ROW = 8  # bytes
# Bytes per pixel, measured: libwebp's canvases and its own copy, beside the image.
_OF_WEBP = 16
# Decoders in C, which need a few rows beside the image. Decoders in Python hold two more copies of it.
_BY_ROWS = ("gif", "jpeg", "libtiff", "raw", "tga_rle", "zip")
_JPEG_BLOCKS = 32  # pixels: sides are padded to whole blocks of the largest sampling factor


def decoding_bytes(image: Any, full_size: tuple[int, int], file: BinaryIO) -> int:
    """The most bytes that decoding an opened image takes: the image and all that its decoder keeps beside it.

    Args:
        image: a ``PIL.ImageFile.ImageFile``, not loaded yet.
        full_size: its size in the file; less is decoded of a JPEG that was drafted.
        file: the file that it was opened from, at the position where opening left it.
    """
    held = image_bytes(image.mode, image.size)
    if image.format == "WEBP":
        return held + _OF_WEBP * full_size[0] * full_size[1]
    if image.format in ("JPEG", "MPO"):
        return held + (0 if _in_one_scan(image, file) else _coefficients(image, full_size))
    if image.format == "TIFF":
        return held + (_tiff_piece(image) if any(tile[0] == "libtiff" for tile in image.tile) else 0)
    if image.format == "GIF":
        return 2 * held  # what the next frame would be laid over
    return held if all(tile[0] in _BY_ROWS for tile in image.tile) else 3 * held


def image_bytes(mode: str, size: tuple[int, int]) -> int:
    """The bytes in which Pillow stores an image: one, two or four per pixel, and a pointer per row."""
    per_pixel = 1 if mode in ("1", "L", "P") else 2 if mode.startswith("I;16") else 4
    return (per_pixel * size[0] + _OF_ROW) * size[1]


def check_allowed(count: int) -> None:
    """Raise a ``ValueError`` if ``count`` bytes for one image are more than ``ALLOWANCE``."""
    if count > ALLOWANCE:
        raise ValueError(f"decoding it takes {count / 2**20:.0f} MiB of memory, allowed: {ALLOWANCE / 2**20:.0f} MiB")


@contextmanager
def reserved(path: Path, count: int) -> Iterator[None]:
    """Take ``count`` bytes of the allowance for the block, and wait until other threads have given enough back.

    Args:
        path: the image.
        count: at most ``ALLOWANCE``.

    Raises:
        DataError: the machine does not have them.
    """
    if count < _SMALL:
        yield
        return
    if count > _LARGE:
        check_fits(path, count)
    _budget.take(count)
    try:
        yield
    finally:
        _budget.give(count)


class _Budget:
    def __init__(self) -> None:
        self._condition, self._taken = threading.Condition(), 0

    def take(self, count: int) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._taken + count <= ALLOWANCE)
            self._taken += count

    def give(self, count: int) -> None:
        with self._condition:
            self._taken -= count
            self._condition.notify_all()


_budget = _Budget()


def _new_budget() -> None:
    global _budget
    _budget = _Budget()


if hasattr(os, "register_at_fork"):  # in a process that is forked, no thread is left to give anything back
    os.register_at_fork(after_in_child=_new_budget)


def _in_one_scan(image: Any, file: BinaryIO) -> bool:
    """Whether a JPEG can be decoded row by row: not progressive, and the scan that comes first has every component.

    Opening leaves the file behind that scan's header.
    """
    if image.info.get("progressive"):
        return False
    length = 6 + 2 * image.layers
    here = file.tell()
    if here < length:
        return False
    file.seek(here - length)
    header = file.read(length)
    file.seek(here)
    return header[:3] == bytes((length >> 8, length & 255, image.layers))


def _coefficients(image: Any, size: tuple[int, int]) -> int:
    """The bytes of a JPEG's coefficients, two each at full size, which libjpeg keeps where there are several scans."""
    factors = [(first, second) for _, first, second, *_ in image.layer]
    largest = max(1, *(first for first, _ in factors)) * max(1, *(second for _, second in factors))
    fraction = sum(first * second for first, second in factors) / largest
    return int(2 * fraction * (size[0] + _JPEG_BLOCKS) * (size[1] + _JPEG_BLOCKS))


def _tiff_piece(image: Any) -> int:
    """The bytes of the largest strip or tile of a TIFF file, which libtiff unpacks whole."""
    tags = image.tag_v2
    width, height = image.size if tags.get(0x0112) not in (5, 6, 7, 8) else image.size[::-1]
    bits = tags.get(258, (1,))
    bits = bits if isinstance(bits, tuple) else (bits,)
    samples = tags.get(277, len(bits))
    per_pixel = max(sum(bits), max(bits) * (samples if isinstance(samples, int) else 1))
    if tags.get(262) == 6:  # YCbCr is unpacked as RGB and one byte more
        per_pixel = max(per_pixel, 32)
    tile_width, tile_height = tags.get(322), tags.get(323)
    if tile_width is None and tile_height is None:
        rows = tags.get(278, height)
        width, height = width, min(height, rows if isinstance(rows, int) else height)
    else:
        width, height = (side if isinstance(side, int) else 2**31 for side in (tile_width, tile_height))
    return int(width) * int(height) * int(per_pixel) // 8 + 1
