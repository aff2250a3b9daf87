"""What a data set is to the rest of the package."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from infogan_fast.data.errors import DataError
from infogan_fast.data.stored import StoredImages

__all__ = ["DataError", "ImageData", "size_text"]


#: Largest label of a class.
MOST_LABEL = 2**31 - 1


@dataclass(frozen=True)
class ImageData:
    """Images to train on, and what is known about them.

    Images are a tensor, or, where they are read when they are needed, ``StoredImages``.

    Labels are used for the accuracy figure of the categorical code and for nothing else. Factors are what images were
    rendered from, where that is known, as indices of the values that each factor takes.

    Raises:
        DataError: images are not uint8 ``[N, C, H, W]`` with N >= 1, labels are not int64 ``[N]``, factors are not
            int64 ``[N, F]`` in range with F names and sizes, there are labels or factors without images, or the
            held-out images have another size than the training images.
    """

    name: str
    """As shown in messages and written to ``config.json``."""
    images: Tensor | StoredImages
    """Training images, uint8 ``[N, C, H, W]``, 0 to 255."""
    labels: Tensor | None = None
    """Their classes, int64 ``[N]``, ``>= 0``."""
    heldout_images: Tensor | StoredImages | None = None
    """Images that are never trained on, uint8 ``[M, C, H, W]``."""
    heldout_labels: Tensor | None = None
    """Their classes, int64 ``[M]``, ``>= 0``."""
    factors: Tensor | None = None
    """The known factors of the training images, int64 ``[N, F]``, column f in ``[0, factor_sizes[f])``."""
    heldout_factors: Tensor | None = None
    """Those of the held-out images, int64 ``[M, F]``."""
    factor_names: tuple[str, ...] = ()
    """What the columns are, distinct, F of them; empty where no factors are known."""
    factor_sizes: tuple[int, ...] = ()
    """How many values each factor takes, ``>= 1``, F of them."""
    notes: tuple[str, ...] = ()
    """What the user should know of how they were read, such as the files that were skipped; one line each."""

    def __post_init__(self) -> None:
        _check_part(f"{self.name}: training images", self.images, self.labels)
        _check_factors(self)
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

    @classmethod
    def from_dataset(
        cls,
        dataset: Dataset[Any],
        *,
        name: str,
        limit: int | None = None,
        stream: bool | None = None,
        workers: int | None = None,
    ) -> ImageData:
        """Every item of a dataset, as uint8; no held-out part.

        Held in memory, or, where they would not fit into half of what is free, read once in order now and again by
        index while training. Random transforms are drawn once if the items are held in memory; if they are streamed,
        anew each time, so that a run cannot be repeated or continued bit for bit (when it is continued, the images are
        taken for others). The trainer has its own transforms (``shear``, ``rotation``), with which it can.

        Args:
            dataset: its items are an image, or an image and its label, an integer ``>= 0``. An image is a PIL image,
                or a tensor or array ``[H, W]``, ``[H, W, C]`` or ``[C, H, W]`` with C 1 or 3: uint8, or floating point
                from 0 to 1, or from -1 to 1 if a value is negative. All have one size and dtype.
            name: of the data, in messages.
            limit: the most items that are read, the first ones; None for all.
            stream: whether to read items while training, instead of holding them in memory; None to do so only where
                they would not fit. An ``IterableDataset`` cannot be streamed.
            workers: processes that read streamed items; 0 for none, None for one per core, at most 8.

        Raises:
            DataError: an item is something else or unlike the first, with its index; there is none; or they would not
                fit into memory and cannot be streamed.
        """
        from infogan_fast.data.streaming import Streaming
        from infogan_fast.data.torch_dataset import gather

        images, labels, notes = gather(dataset, name, limit, Streaming(stream, workers))
        return cls(name, images, labels, notes=notes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image, or of whatever else is to be generated: ``(channels, height, width)`` of an image."""
        return tuple(self.images.shape[1:])

    @property
    def is_images(self) -> bool:
        """Whether they can be seen as images: ``[N, C, H, W]`` with 1 or 3 channels."""
        return len(self.shape) == 3 and self.shape[0] in (1, 3)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(channels, height, width)`` of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def sha256(self) -> str:
        """A hash of the training images, to tell whether a run is continued on those it was started on."""
        if isinstance(self.images, StoredImages):
            return self.images.sha256()
        return hashlib.sha256(self.images.cpu().contiguous().numpy().tobytes()).hexdigest()


def _check_part(what: str, images: Tensor | StoredImages, labels: Tensor | None) -> None:
    dtype = images.dtype
    if not (len(images.shape) == 4 if dtype == torch.uint8 else dtype.is_floating_point and len(images.shape) > 1):
        allowed = "uint8 [N, C, H, W], or floating point [N, ...]"
        raise DataError(f"{what} must be {allowed}, got {dtype} {list(images.shape)}")
    if 0 in images.shape:
        raise DataError(f"{what} are empty: {list(images.shape)}")
    if labels is None:
        return
    if labels.dtype != torch.int64 or labels.ndim != 1:
        raise DataError(f"{what}: labels must be int64 [N], got {labels.dtype} {list(labels.shape)}")
    if len(labels) != len(images):
        raise DataError(f"{what}: {len(images)} images but {len(labels)} labels")
    check_labels(what, int(labels.min()), int(labels.max()))


def check_labels(what: str, low: int, high: int) -> None:
    """Raise a ``DataError`` unless labels from ``low`` to ``high`` are allowed."""
    if low < 0 or high > MOST_LABEL:
        raise DataError(f"{what}: labels must be from 0 to {MOST_LABEL}, got {low if low < 0 else high}")


def _check_factors(data: ImageData) -> None:
    names, sizes = data.factor_names, data.factor_sizes
    if len(names) != len(sizes) or len(set(names)) != len(names) or any(size < 1 for size in sizes):
        raise DataError(
            f"{data.name}: factors must have distinct names and a size >= 1 each, got names {names} and sizes {sizes}"
        )
    parts = [("training", data.images, data.factors), ("held-out", data.heldout_images, data.heldout_factors)]
    if names and all(factors is None for _, _, factors in parts):
        raise DataError(f"{data.name}: there are names of factors ({', '.join(names)}) but no factors")
    for part, images, factors in parts:
        if factors is None:
            continue
        what = f"{data.name}: {part} factors"
        if images is None:
            raise DataError(f"{what}: there are no {part} images to them")
        if factors.dtype != torch.int64 or factors.ndim != 2 or factors.shape[1] != len(names) or not names:
            raise DataError(
                f"{what} must be int64 [N, F] with F = {len(names)}, the number of factor_names, and F >= 1, "
                f"got {factors.dtype} {list(factors.shape)}"
            )
        if len(factors) != len(images):
            raise DataError(f"{what}: {len(images)} images but factors of {len(factors)}")
        for name, size, column in zip(names, sizes, factors.T, strict=True):
            if len(column) and not 0 <= int(column.min()) <= int(column.max()) < size:
                raise DataError(
                    f"{what}: {name} must be from 0 to {size - 1}, got {int(column.min())} to {int(column.max())}"
                )


def size_text(image_shape: Iterable[int]) -> str:
    """``(1, 28, 28)`` as ``1x28x28``."""
    return "x".join(map(str, image_shape))
