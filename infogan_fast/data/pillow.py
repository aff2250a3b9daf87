"""Images of any mode that Pillow knows, to 8 bits of grey or RGB, and to squares of a given side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_GREY = ("1", "L", "LA", "La")
# What a JPEG may be decoded to at a fraction of its size, before Lanczos: sides at least this many times the result's.
_DRAFT = 2
_REDUCING_GAP = 3.0  # Pillow: "indistinguishable from fair resampling" from here on


def read_square(path: Path, side: int, channels: int | None) -> NDArray[np.uint8]:
    """One image file as a square: its short side resized to ``side``, the centre cropped.

    Returns:
        uint8 ``[C, side, side]``: C is ``channels``, or, where that is None, 1 if the image has no colour and else 3.

    Raises:
        Exception: whatever Pillow raises at a file that it cannot read, of which its documentation gives no list.
    """
    with Image.open(path, formats=_formats()) as image:
        image.draft(None, (_DRAFT * side, _DRAFT * side))  # of a JPEG; other formats ignore it
        pixels = to_array(square(grey_or_rgb(image), side), channels)
    if channels is None and len(pixels) == 3 and (pixels == pixels[:1]).all():
        return pixels[:1]
    return pixels


def _formats() -> list[str]:
    """All but EPS, to read which Pillow starts an external program."""
    Image.init()
    return [name for name in Image.ID if name != "EPS"]


def grey_or_rgb(image: Image.Image) -> Image.Image:
    """An image of mode ``L`` or ``RGB``: upright by its EXIF orientation, alpha laid over white, 16 bits scaled to 8.

    Raises:
        ValueError: its values are outside 0 to 65535 (integers) or 0 to 1 (floating point), or it cannot be converted.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_to_8_bits(np.asarray(image)))
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        grey = image.mode in _GREY
        opaque = Image.new("RGBA", image.size, "white")
        # From premultiplied alpha, Pillow converts only to the same mode without it.
        opaque.alpha_composite((image.convert("LA") if image.mode == "La" else image).convert("RGBA"))
        return opaque.convert("L" if grey else "RGB")
    return image.convert("L" if image.mode in _GREY else "RGB")


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = values.min(), values.max()
    if values.dtype.kind == "f":
        if not (low >= 0.0 and high <= 1.0):  # also where they are NaN
            raise ValueError(f"floating-point values from {low:g} to {high:g}, allowed: 0 to 1")
        return np.rint(values * 255.0).astype(np.uint8)
    if low < 0 or high > 65535:
        raise ValueError(f"integers from {low} to {high}, allowed: 0 to 65535")
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 = 255 * 257


def square(image: Image.Image, side: int) -> Image.Image:
    """The centre square of an ``L`` or ``RGB`` image, ``side`` pixels wide, by Lanczos over the whole of each pixel."""
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    box = (left, top, left + short, top + short)
    return image.resize((side, side), Image.Resampling.LANCZOS, box, _REDUCING_GAP)


def to_array(image: Image.Image, channels: int | None) -> NDArray[np.uint8]:
    """uint8 ``[C, H, W]`` of an ``L`` or ``RGB`` image: as it is, or converted to 1 (luma) or 3 channels."""
    if channels is not None:
        image = image.convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
