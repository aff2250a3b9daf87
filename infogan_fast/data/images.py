"""What a data set is to the rest of the package."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


class DataError(ValueError):
    """The data asked for are missing, damaged or do not fit together; the message says which file and what to do."""


@dataclass(frozen=True)
class ImageData:
    """Images to train on, and what is known about them.

    Labels are used for the accuracy figure of the categorical code and for nothing else.

    Raises:
        DataError: images are not uint8 ``[N, C, H, W]`` with N >= 1, labels are not int64 ``[N]``, there are labels
            without images, or the held-out images have another size than the training images.
    """

    name: str
    """As shown in messages and written to ``config.json``."""
    images: Tensor
    """Training images, uint8 ``[N, C, H, W]``, 0 to 255."""
    labels: Tensor | None = None
    """Their classes, int64 ``[N]``, ``>= 0``."""
    heldout_images: Tensor | None = None
    """Images that are never trained on, uint8 ``[M, C, H, W]``."""
    heldout_labels: Tensor | None = None
    """Their classes, int64 ``[M]``, ``>= 0``."""

    def __post_init__(self) -> None:
        _check_part(f"{self.name}: training images", self.images, self.labels)
        if self.heldout_images is None:
            if self.heldout_labels is not None:
                raise DataError(f"{self.name}: there are held-out labels but no held-out images")
            return
        _check_part(f"{self.name}: held-out images", self.heldout_images, self.heldout_labels)
        if self.heldout_images.shape[1:] != self.images.shape[1:]:
            raise DataError(
                f"{self.name}: held-out images have size {size_text(self.heldout_images.shape[1:])}, "
                f"training images {size_text(self.images.shape[1:])}; they must be the same"
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(channels, height, width)`` of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def sha256(self) -> str:
        """A hash of the training images, to tell whether a run is continued on those it was started on."""
        return hashlib.sha256(self.images.cpu().contiguous().numpy().tobytes()).hexdigest()


def _check_part(what: str, images: Tensor, labels: Tensor | None) -> None:
    if images.dtype != torch.uint8 or images.ndim != 4:
        raise DataError(f"{what} must be uint8 [N, C, H, W], got {images.dtype} {list(images.shape)}")
    if images.numel() == 0:
        raise DataError(f"{what} are empty: {list(images.shape)}")
    if labels is None:
        return
    if labels.dtype != torch.int64 or labels.ndim != 1:
        raise DataError(f"{what}: labels must be int64 [N], got {labels.dtype} {list(labels.shape)}")
    if len(labels) != len(images):
        raise DataError(f"{what}: {len(images)} images but {len(labels)} labels")
    if int(labels.min()) < 0:
        raise DataError(f"{what}: labels must be >= 0, got {int(labels.min())}")


def size_text(image_shape: Iterable[int]) -> str:
    """``(1, 28, 28)`` as ``1x28x28``."""
    return "x".join(map(str, image_shape))
