"""Images side by side as one PNG file."""

from __future__ import annotations

from io import BytesIO

import torch
from PIL import Image
from torch import Tensor

_BORDER = 2  # pixels between images
_SCALE = 2  # pixels of the file per pixel of an image, along each side


def draw_image_grid(pixels: Tensor, columns: int) -> bytes:
    """A PNG file of images in rows of ``columns``, on black.

    Args:
        pixels: uint8 ``[rows * columns, C, H, W]`` on the CPU with C 1 or 3.
        columns: images in a row.
    """
    count, channels, height, width = pixels.shape
    h, w = height + _BORDER, width + _BORDER
    canvas = torch.zeros(channels, count // columns * h + _BORDER, columns * w + _BORDER, dtype=torch.uint8)
    for index, image in enumerate(pixels):
        top, left = _BORDER + index // columns * h, _BORDER + index % columns * w
        canvas[:, top : top + height, left : left + width] = image
    grid = Image.fromarray(canvas.permute(1, 2, 0).squeeze(2).numpy())
    content = BytesIO()
    grid.resize((grid.width * _SCALE, grid.height * _SCALE), Image.Resampling.NEAREST).save(content, "PNG")
    return content.getvalue()
