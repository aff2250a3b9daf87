"""Data that are in memory, at another size or with other channels."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from infogan_fast.data.images import DataError, ImageData
from infogan_fast.data.memory import check_fits


def fitted(data: ImageData, image_size: int | None, channels: int | None) -> ImageData:
    """The same images, the held-out ones too, as squares of side ``image_size`` with that many channels.

    Args:
        data: images of 1 or 3 channels.
        image_size: the short side is resized to it, the centre cropped; None leaves sizes as they are.
        channels: 1 for grey (luma), 3 for RGB; None leaves channels as they are.

    Raises:
        DataError: something has to change, and the images have neither 1 nor 3 channels, or would not fit into memory.
        ModuleNotFoundError: Pillow is not installed.
    """
    now, height, width = data.image_shape
    if (channels or now, image_size or height, image_size or width) == data.image_shape:
        return data
    if now not in (1, 3):
        raise DataError(f"{data.name}: got images of {now} channels, allowed for image_size and channels: 1 or 3")
    result_size = (channels or now) * (image_size or height) * (image_size or width)
    check_fits(
        data.name, result_size * sum(len(part) for part in (data.images, data.heldout_images) if part is not None)
    )
    heldout = None if data.heldout_images is None else _fitted(data.heldout_images, image_size, channels)
    return dataclasses.replace(data, images=_fitted(data.images, image_size, channels), heldout_images=heldout)


def _fitted(images: Tensor, image_size: int | None, channels: int | None) -> Tensor:
    """uint8 ``[N, C, H, W]`` to uint8 ``[N, channels, image_size, image_size]``."""
    from PIL import Image

    from infogan_fast.data.pillow import square, to_array

    count, now, height, width = images.shape
    result = np.empty((count, channels or now, image_size or height, image_size or width), dtype=np.uint8)
    for target, pixels in zip(result, images.permute(0, 2, 3, 1).contiguous().numpy(), strict=True):
        image = Image.fromarray(pixels if now == 3 else pixels[:, :, 0])
        target[:] = to_array(image if image_size is None else square(image, image_size), channels)
    return torch.from_numpy(result)
