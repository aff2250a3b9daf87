"""``ImageData``, the data set that a run trains on: items, labels, known factors and a held-out part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from infogan_fast.data.errors import DataError
from infogan_fast.data.items import items_of_dataset
from infogan_fast.data.memory import Streaming
from infogan_fast.data.stored import StoredImages, at_once, sha256_of
from infogan_fast.text import short

__all__ = ["DataError", "ImageData", "size_text"]


#: Largest label of a class.
MOST_LABEL = 2**31 - 1


@dataclass(frozen=True)
class ImageData:
    """What to train on, and what is known about it: images, waveforms ``[C, L]``, vectors ``[F]`` or anything else.

    uint8 is images, which the trainer divides by 255; floating point is taken as it is. Items are a tensor, or, where
    they are read when they are needed, ``StoredImages``.

    Labels are used for the accuracy of the categorical code, and by objectives that ask for them. Factors are what
    images were rendered from, where that is known, as indices of the values that each factor takes.

    Raises:
        DataError: items are neither uint8 ``[N, C, H, W]`` nor floating point ``[N, *shape]``, with N >= 1 and no
            dimension of 0; a floating-point value is not finite; labels are not int64 ``[N]``; factors are not int64
            ``[N, F]`` in range with F names and sizes; there are labels or factors without items; names of classes are
            not distinct or lack a label that occurs; or the held-out items have another shape or dtype than the
            training items.
    """

    name: str
    """The data's name in messages and in ``config.json``."""
    images: Tensor | StoredImages
    """Training items: images, uint8 ``[N, C, H, W]``, 0 to 255; or floating point ``[N, *shape]``."""
    labels: Tensor | None = None
    """The classes of the training items, int64 ``[N]``, ``>= 0``."""
    heldout_images: Tensor | StoredImages | None = None
    """Items ``[M, *shape]`` that are never trained on, of the same dtype."""
    heldout_labels: Tensor | None = None
    """The classes of the held-out items, int64 ``[M]``, ``>= 0``."""
    factors: Tensor | None = None
    """The known factors of the training images, int64 ``[N, F]``, column f in ``[0, factor_sizes[f])``."""
    heldout_factors: Tensor | None = None
    """The known factors of the held-out images, int64 ``[M, F]``."""
    factor_names: tuple[str, ...] = ()
    """The names of the F columns, distinct; empty where no factors are known."""
    factor_sizes: tuple[int, ...] = ()
    """How many values each of the F factors takes, ``>= 1``."""
    class_names: tuple[str, ...] = ()
    """The names of the classes by label, distinct; empty where they have none. Those of folders are not always
    printable."""
    notes: tuple[str, ...] = ()
    """Lines on how the data were read that the user should see, such as which files were skipped."""

    def __post_init__(self) -> None:
        _check_part(f"{self.name}: training images", self.images, self.labels)
        _check_factors(self)
        _check_heldout(self)
        _check_class_names(self)

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
        """Take the items of a dataset as they are; the data has no held-out part.

        Items are held in memory, or, where they would not fit into half of what is free, read once in order now and by
        index while training. Random transforms are drawn once if the items are held in memory; if they are streamed,
        they are drawn at each reading, so that a run cannot be repeated or resumed bit for bit, and its items are not
        recognised when it is resumed. The trainer's own transforms (``shear``, ``rotation``) can be.

        Args:
            dataset: its items are a value, or a value and its label, an integer ``>= 0``. A value is an image, which is
                a PIL image or uint8 ``[H, W]``, ``[H, W, C]`` or ``[C, H, W]`` with C 1 or 3; or floating point of any
                shape of one dimension or more, which is taken as it is (half precision as float32). uint8 and floating
                point may be tensors or arrays. All values have one shape and dtype.
            name: of the data, in messages.
            limit: how many items are read at the most, the first ones; None for all.
            stream: whether to read items while training, instead of holding them in memory; None to do so only where
                they would not fit. An ``IterableDataset`` cannot be streamed.
            workers: how many processes read streamed items; 0 for none, None for one per core, at most 8.

        Raises:
            DataError: an item is something else, unlike the first, or not finite, with its index; there is none; or
                they would not fit into memory and cannot be streamed.
        """
        return cls(name, *items_of_dataset(dataset, name, limit, Streaming(stream, workers)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one item; of an image, ``(channels, height, width)``."""
        return tuple(self.images.shape[1:])

    @property
    def is_images(self) -> bool:
        """Whether items can be seen as images."""
        return is_image(self.shape)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The ``(channels, height, width)`` of an image.

        Raises:
            DataError: items have not three dimensions.
        """
        if len(self.shape) != 3:
            raise DataError(f"{self.name}: got items of shape {list(self.shape)}, allowed: images, [C, H, W]")
        channels, height, width = self.shape
        return channels, height, width

    def sha256(self) -> str:
        """A hash of the training items, which tells whether a run is resumed on the data that it was started on."""
        return self.images.sha256() if isinstance(self.images, StoredImages) else sha256_of(self.images)


def _check_part(what: str, images: Tensor | StoredImages, labels: Tensor | None) -> None:
    dtype = images.dtype
    if not (len(images.shape) == 4 if dtype == torch.uint8 else dtype.is_floating_point and len(images.shape) > 1):
        allowed = "uint8 [N, C, H, W], or floating point [N, *shape]"
        raise DataError(f"{what} must be {allowed}, got {dtype} {list(images.shape)}")
    if 0 in images.shape:
        raise DataError(f"{what} are empty: {list(images.shape)}")
    if isinstance(images, Tensor) and dtype.is_floating_point:
        _check_finite(what, images)
    if labels is None:
        return
    if labels.dtype != torch.int64 or labels.ndim != 1:
        raise DataError(f"{what}: labels must be int64 [N], got {labels.dtype} {list(labels.shape)}")
    if len(labels) != len(images):
        raise DataError(f"{what}: {len(images)} images but {len(labels)} labels")
    check_labels(what, int(labels.min()), int(labels.max()))


def _check_finite(what: str, items: Tensor) -> None:
    size = at_once(items)
    for number, part in enumerate(torch.split(items, size)):
        finite = part.isfinite().flatten(1).all(dim=1)
        if not finite.all():
            index = number * size + int(finite.int().argmin())
            raise DataError(f"{what}: item {index} holds NaN or infinity, allowed: finite values")


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


def _check_heldout(data: ImageData) -> None:
    if data.heldout_images is None:
        if data.heldout_labels is not None:
            raise DataError(f"{data.name}: there are held-out labels but no held-out images")
        return
    _check_part(f"{data.name}: held-out images", data.heldout_images, data.heldout_labels)
    held, trained = data.heldout_images, data.images
    for kind, heldout, training in (
        ("size", size_text(held.shape[1:]), size_text(trained.shape[1:])),
        ("dtype", held.dtype, trained.dtype),
    ):
        if heldout != training:
            raise DataError(
                f"{data.name}: held-out images have {kind} {heldout}, training images {training}; they must be the same"
            )


def _check_class_names(data: ImageData) -> None:
    names = data.class_names
    if not names:
        return
    if len(set(names)) != len(names) or not all(isinstance(name, str) and name for name in names):
        raise DataError(f"{data.name}: class_names must be distinct texts, not empty, got {short(names)}")
    for part, labels in (("training", data.labels), ("held-out", data.heldout_labels)):
        if labels is not None and int(labels.max()) >= len(names):
            raise DataError(
                f"{data.name}: {part} labels must be from 0 to {len(names) - 1}, since there are {len(names)} "
                f"class_names, got {int(labels.max())}"
            )


def is_image(shape: Sequence[int]) -> bool:
    """Tell whether a shape is that of an image: ``[C, H, W]`` with C 1 or 3."""
    return len(shape) == 3 and shape[0] in (1, 3)


def size_text(image_shape: Iterable[int]) -> str:
    """Write a shape such as ``(1, 28, 28)`` as ``1x28x28``."""
    return "x".join(map(str, image_shape))
