"""Images at another size or with other channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from infogan_fast.data.errors import DataError
from infogan_fast.data.images import ImageData
from infogan_fast.data.memory import Streaming
from infogan_fast.data.stored import HeldImages, StoredImages, into_memory


def resized(data: ImageData, image_size: int | None, channels: int | None, streaming: Streaming) -> ImageData:
    """Resize all images, the held-out ones too, to squares of side ``image_size``, and convert their channels.

    Args:
        data: uint8 images of 1 or 3 channels.
        image_size: the short side is resized to it, the centre cropped; None leaves sizes as they are.
        channels: 1 for grey (luma), 3 for RGB; None leaves channels as they are.
        streaming: whether the result is held in memory, or made when it is needed.

    Raises:
        DataError: something has to change, and the data are not uint8 with 1 or 3 channels, or would not fit into
            memory where streaming is forbidden.
        ModuleNotFoundError: Pillow is not installed.
    """
    if image_size is None and channels is None:
        return data
    if data.images.dtype != torch.uint8:
        raise DataError(
            f"{data.name}: got {data.images.dtype}, which is taken as it is; allowed for image_size and channels: uint8"
        )
    now, height, width = data.image_shape
    if (channels or now, image_size or height, image_size or width) == data.image_shape:
        return data
    if now not in (1, 3):
        raise DataError(f"{data.name}: got images of {now} channels, allowed for image_size and channels: 1 or 3")
    result_size = (channels or now) * (image_size or height) * (image_size or width)
    needed = result_size * sum(len(part) for part in (data.images, data.heldout_images) if part is not None)
    streams = streaming.wanted(data.name, needed)

    def resize(images: Tensor | StoredImages) -> Tensor | StoredImages:
        if isinstance(images, Tensor):
            if not streams:
                return _resized(images, image_size, channels)
            images = HeldImages(data.name, images)
        result = ResizedImages(images, image_size, channels, streaming.processes)
        return result if streams else into_memory(result)

    heldout = None if data.heldout_images is None else resize(data.heldout_images)
    return dataclasses.replace(data, images=resize(data.images), heldout_images=heldout)


class ResizedImages(StoredImages):
    """Stored images of 1 or 3 channels that are resized and converted each time they are read."""

    def __init__(self, images: StoredImages, image_size: int | None, channels: int | None, workers: int) -> None:
        count, now, height, width = images.shape
        super().__init__(images.name, (count, channels or now, image_size or height, image_size or width), workers)
        self._images, self._image_size, self._channels = images, image_size, channels

    def read(self, indices: Sequence[int]) -> Tensor:
        """Read and resize some images; errors are those of the images that they are made from."""
        return _resized(self._images.read(indices), self._image_size, self._channels)


def _resized(images: Tensor, image_size: int | None, channels: int | None) -> Tensor:
    """Resize uint8 ``[N, C, H, W]`` to uint8 ``[N, channels, image_size, image_size]``."""
    from PIL import Image

    from infogan_fast.data.decoding.pillow import square, to_array

    count, now, height, width = images.shape
    result = np.empty((count, channels or now, image_size or height, image_size or width), dtype=np.uint8)
    for target, pixels in zip(result, images.permute(0, 2, 3, 1).contiguous().numpy(), strict=True):
        image = Image.fromarray(pixels if now == 3 else pixels[:, :, 0])
        target[:] = to_array(image if image_size is None else square(image, image_size), channels)
    return torch.from_numpy(result)
