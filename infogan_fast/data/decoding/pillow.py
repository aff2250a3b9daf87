"""Converts images of any mode that Pillow knows to 8 bits of grey or RGB, and to squares of a given side."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from infogan_fast.data.decoding.memory import ALLOWANCE, check_allowed, decoding_bytes, image_bytes, reserved
from infogan_fast.data.decoding.tiff_tags import check_tags, orientation_in
from infogan_fast.regular_files import open_regular

#: The formats that files are opened with (MPO, several JPEGs in one file, is JPEG). A format on the list is decoded
#: in this process, opens nothing that it contains with another format, and says in its header how large it is. Not on
#: it are EPS, for which Pillow starts Ghostscript; IPTC, whose content it opens with every format; ICO and ICNS, which
#: hold images of other sizes than their header says; AVIF and JPEG 2000, whose decoders take the size from the content;
#: PSD, PDF, WMF, FITS and rare formats, which nobody trains on.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA")

_NOT_READ = ("AVIF", "EPS", "ICNS", "ICO", "JPEG2000", "PSD", "WMF")  # that messages name, as people have them

_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_GREY = ("1", "L", "LA", "La")
# A JPEG may be decoded at a fraction of its size before Lanczos: to sides at least this many times the result's.
_DRAFT = 2
_REDUCING_GAP = 3.0  # Pillow: "indistinguishable from fair resampling" from here on
_PIXELS_AT_ONCE = 2**20  # that are converted together, where a conversion takes more copies than one
# Bytes of names, profiles and thumbnails, which Pillow parses, that may be read before the pixels.
_MOST_METADATA = 8 * 2**20

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


def read_square(path: Path, side: int, channels: int | None) -> NDArray[np.uint8]:
    """Read one image file as a square: its short side is resized to ``side``, the centre cropped.

    Returns:
        uint8 ``[C, side, side]``: C is ``channels``, or, where that is None, 1 if the image has no colour and else 3.

    Raises:
        DataError: the machine does not have the memory that decoding it takes.
        Exception: whatever Pillow raises at a file that it cannot read, of which its documentation gives no list;
            ``ValueError`` if decoding it would take more memory than ``decoding_memory.ALLOWANCE``.
    """
    with open_regular(path) as file:
        check_tags(file)
        header = _Header(file)
        with Image.open(cast("IO[bytes]", header), formats=_formats()) as image:
            header.most = None
            full_size = image.size
            image.draft(None, (_DRAFT * side, _DRAFT * side))  # of a JPEG; other formats ignore it
            converted = image_bytes(_mode_of(image), image.size)
            needed = decoding_bytes(image, full_size, file) + (0 if _is_plain(image) else converted)
            check_allowed(needed)
            with reserved(path, min(needed + converted, ALLOWANCE)):
                image.load()
                transposition = _transposition(image)
                if transposition is not None:
                    check_allowed(needed + converted)
                upright = grey_or_rgb(image)
                if transposition is not None:
                    upright = upright.transpose(transposition)
                pixels = to_array(square(upright, side), channels)
    if channels is None and len(pixels) == 3 and (pixels == pixels[:1]).all():
        return pixels[:1]
    return pixels


def _formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def format_not_read(path: Path) -> str | None:
    """The format of a file that is none of ``FORMATS``, by its first bytes; None if it is none of ``_NOT_READ``."""
    with open_regular(path) as file:
        start = file.read(16)
    for name in _NOT_READ:
        accept = Image.OPEN[name][1] if name in Image.OPEN else None
        if accept is not None and accept(start) is True:
            return name
    return None


class _Header:
    """A file of which at most ``most`` bytes can be read while it is opened as an image; None for any number.

    WebP, which is read whole, and TIFF, whose tags are checked, have no such limit.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self.most = None if file.read(4) in (b"RIFF", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") else _MOST_METADATA
        self._file = file

    def read(self, count: int = -1) -> bytes:
        content = self._file.read(min(count, self._size))  # or Python makes room for as much as is asked for
        if self.most is not None:
            self.most -= len(content)
            if self.most < 0:
                raise OSError(f"more than {_MOST_METADATA // 2**20} MiB come before its pixels")
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _transposition(image: ImageFile.ImageFile) -> Image.Transpose | None:
    """The transposition that puts a loaded image upright, by its Exif data or else its XMP data.

    ``ImageOps.exif_transpose`` finds the same, but makes objects of all Exif data, many times as large, and writes them
    anew. Pillow puts TIFF files upright itself.
    """
    if image.format == "TIFF":
        return None
    exif = image.info.get("exif")
    if exif is None and isinstance(text := image.info.get("Raw profile type exif"), str):  # as ImageMagick writes it
        exif = bytes.fromhex("".join(text.split("\n")[3:]))
    orientation = None
    if isinstance(exif, bytes):
        orientation = orientation_in(io.BytesIO(exif.removeprefix(b"Exif\0\0").removeprefix(b"Exif\0\0")))
    if orientation is None:
        xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or b""
        found = _IN_XMP.search(xmp.encode() if isinstance(xmp, str) else xmp)
        orientation = int(found[1]) if found else None
    return _TRANSPOSITIONS.get(orientation) if orientation is not None else None


def upright_grey_or_rgb(image: Image.Image) -> Image.Image:
    """Apply ``grey_or_rgb`` to an image that someone else opened, put upright by its EXIF orientation.

    Raises:
        ValueError: as ``grey_or_rgb``; or it is not loaded, and of a format that may start programs when it is.
    """
    if isinstance(image, ImageFile.ImageFile) and image.tile and image.format not in (*FORMATS, "MPO"):
        raise ValueError(
            f"an image in format {image.format}, not loaded yet; allowed: {', '.join(FORMATS)}, or one that is loaded"
        )
    return grey_or_rgb(ImageOps.exif_transpose(image))


def grey_or_rgb(image: Image.Image) -> Image.Image:
    """Convert an image to mode ``L`` or ``RGB``, with alpha laid over white and 16 bits scaled to 8.

    An image that has one of these modes is returned as it is.

    Raises:
        ValueError: its values are outside 0 to 65535 (integers) or 0 to 1 (floating point), or it cannot be converted.
    """
    image.load()
    mode = _mode_of(image)
    if _is_plain(image):
        return image
    if _has_scale(image):
        return _scaled(image)
    if not _is_transparent(image):
        return image.convert(mode)
    if image.width * image.height <= _PIXELS_AT_ONCE:
        return _opaque(image).convert(mode)
    result = Image.new(mode, image.size)
    for box in _boxes(image.size):
        result.paste(_opaque(image.crop(box)).convert(mode), box)
    return result


def _mode_of(image: Image.Image) -> str:
    """The mode of what ``grey_or_rgb`` makes of an image."""
    return "L" if image.mode in _GREY or _has_scale(image) else "RGB"


def _is_plain(image: Image.Image) -> bool:
    return image.mode in ("L", "RGB") and not _is_transparent(image)


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in _WITH_ALPHA or "transparency" in image.info


def _has_scale(image: Image.Image) -> bool:
    """Whether an image's values have another range than 0 to 255."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _opaque(image: Image.Image) -> Image.Image:
    opaque = Image.new("RGBA", image.size, "white")
    # From premultiplied alpha, Pillow converts only to the same mode without it.
    opaque.alpha_composite((image.convert("LA") if image.mode == "La" else image).convert("RGBA"))
    return opaque


def _boxes(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Boxes that cover an image, of at most ``_PIXELS_AT_ONCE`` pixels each."""
    width, height = min(size[0], _PIXELS_AT_ONCE), size[1]
    rows = max(1, _PIXELS_AT_ONCE // width)
    for top in range(0, height, rows):
        for left in range(0, size[0], width):
            yield left, top, min(left + width, size[0]), min(top + rows, height)


def _scaled(image: Image.Image) -> Image.Image:
    """Scale an image of integers from 0 to 65535, or of floating point from 0 to 1, to 8 bits."""
    low, high = np.inf, -np.inf
    for box in _boxes(image.size):
        values = np.asarray(image.crop(box))
        low, high = np.minimum(low, values.min()), np.maximum(high, values.max())  # of NaN and a number, NaN
    floating = values.dtype.kind == "f"
    if floating and not (low >= 0.0 and high <= 1.0):
        raise ValueError(f"floating-point values from {low:g} to {high:g}, allowed: 0 to 1")
    if not floating and (low < 0 or high > 65535):
        raise ValueError(f"integers from {low:.0f} to {high:.0f}, allowed: 0 to 65535")
    result = Image.new("L", image.size)
    for box in _boxes(image.size):
        result.paste(Image.fromarray(_to_8_bits(np.asarray(image.crop(box)))), box)
    return result


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype.kind == "f":
        return np.rint(values * 255.0).astype(np.uint8)
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 = 255 * 257


def square(image: Image.Image, side: int) -> Image.Image:
    """Crop the centre square of an ``L`` or ``RGB`` image and resize it to ``side`` pixels with Lanczos's filter."""
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    box = (left, top, left + short, top + short)
    return image.resize((side, side), Image.Resampling.LANCZOS, box, _REDUCING_GAP)


def to_array(image: Image.Image, channels: int | None) -> NDArray[np.uint8]:
    """Convert an ``L`` or ``RGB`` image to uint8 ``[C, H, W]`` with 1 (luma) or 3 channels; None for those it has."""
    if channels is not None:
        image = image.convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
