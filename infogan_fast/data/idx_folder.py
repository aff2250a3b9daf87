"""A data set from a folder of IDX files, or from one file of images."""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch
from torch import Tensor

from infogan_fast.data.idx import find_idx, read_idx
from infogan_fast.data.images import DataError, ImageData
from infogan_fast.data.memory import check_fits
from infogan_fast.data.stored import StoredImages
from infogan_fast.data.stored_array import ArrayImages
from infogan_fast.data.streaming import Streaming
from infogan_fast.text import shown

# The names that MNIST, Fashion-MNIST and KMNIST are published under; some copies have a dot before "idx".
_IMAGES = "{part}-images-idx3-ubyte"
_LABELS = "{part}-labels-idx1-ubyte"

_DEFAULT = Streaming()


def has_idx_names(folder: Path) -> bool:
    """Whether a folder holds a file of one of the four names, so that it is meant as IDX files."""
    parts, kinds = ("train", "t10k"), (_IMAGES, _LABELS)
    return any(_find(folder, kind.format(part=part)) is not None for part in parts for kind in kinds)


def has_training_images(folder: Path) -> bool:
    """Whether a folder exists and holds the file of training images."""
    return _find(folder, _IMAGES.format(part="train")) is not None


def load_idx_folder(folder: Path, streaming: Streaming = _DEFAULT) -> ImageData:
    """Training images of a folder, with labels and the held-out part ``t10k`` where they are present.

    Raises:
        DataError: there are no training images, labels lack their images, or a file is damaged.
    """
    images = _find(folder, _IMAGES.format(part="train"))
    if images is None:
        looked_for = _IMAGES.format(part="train")
        try:
            present = sorted(os.listdir(folder))
        except OSError as error:
            raise DataError(f"{folder}: cannot be read: {error.strerror or error}") from error
        listed = ", ".join(map(shown, present[:8])) + (", ..." if len(present) > 8 else "")
        raise DataError(
            f"{folder}: no IDX training images: looked for {looked_for} and {looked_for}.gz "
            f"(and, optional, {_LABELS.format(part='train')}, {_IMAGES.format(part='t10k')}, "
            f"{_LABELS.format(part='t10k')}); the folder holds {listed or 'nothing'}"
        )
    heldout_images = _find(folder, _IMAGES.format(part="t10k"))
    heldout_labels = _find(folder, _LABELS.format(part="t10k"))
    if heldout_labels is not None and heldout_images is None:
        raise DataError(
            f"{heldout_labels}: there are no held-out images to these labels: {_IMAGES.format(part='t10k')}"
        )
    train = _read_part(images, _find(folder, _LABELS.format(part="train")), streaming)
    heldout = _read_part(heldout_images, heldout_labels, streaming) if heldout_images is not None else (None, None)
    return ImageData(str(folder), *train, *heldout)


def load_idx_file(path: Path, streaming: Streaming = _DEFAULT) -> ImageData:
    """Training images of one IDX file, with the labels that lie beside it under the matching name; no held-out part."""
    name = path.name.removesuffix(".gz")
    labels = _find(path.parent, name.replace("images", "labels").replace("idx3", "idx1")) if "images" in name else None
    return ImageData(str(path), *_read_part(path, labels, streaming))


def _find(folder: Path, name: str) -> Path | None:
    for candidate in (name, name.replace("-idx", ".idx")):
        for suffix in ("", ".gz"):
            if os.path.isfile(folder / (candidate + suffix)):  # unlike Path's, it never raises
                return folder / (candidate + suffix)
    return None


def _read_part(
    images_path: Path, labels_path: Path | None, streaming: Streaming
) -> tuple[Tensor | StoredImages, Tensor | None]:
    """Images uint8 ``[N, 1, H, W]`` and labels int64 ``[N]``."""
    found = find_idx(images_path, dimensions=3)
    images: Tensor | StoredImages
    if found is not None and streaming.wanted(images_path, found.offset + math.prod(found.shape)):
        images = ArrayImages(found, streaming.processes)
    else:
        images = torch.from_numpy(read_idx(images_path, dimensions=3))[:, None]
    if labels_path is None:
        return images, None
    check_fits(labels_path, 9 * len(images))
    labels = read_idx(labels_path, dimensions=1, labels_of=(images_path, len(images)))
    return images, torch.from_numpy(labels.astype("int64"))
