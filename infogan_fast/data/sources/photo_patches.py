"""Patches of real photographs: the two that come with scikit-learn, china.jpg and flower.jpg."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.errors import DataError
from infogan_fast.data.images import ImageData

#: Height and width of a patch in pixels.
SIDE = 64

#: The photographs, by label.
CLASS_NAMES = ("china", "flower")

_SHAPE = (427, 640, 3)  # of a photograph
_STEP = 8  # pixels from a patch to the next, across and down
_HELDOUT = (384, 512)  # the columns that held-out patches are of; training patches are of those beside them

# Of all pixels, as Pillow's own libjpeg-turbo decodes them.
_SHA256 = "99310b92a8963a4b9118f3a93695bf9d2f7c20a03361f1962972901ccd5560da"


def load_photo_patches() -> ImageData:
    """Cut patches of 64x64 pixels from two photographs, labelled by photograph.

    Patches lie 8 pixels apart, across and down, so that they overlap. Those that lie within a band of 128 columns,
    a fifth of each photograph, are held out; those that lie within the columns on either side of it are trained on.
    No pixel is in both.

    The photographs are JPEG files, whose pixels another decoder may round otherwise: then a note says so.

    Raises:
        DataError: scikit-learn's photographs are others than they have been since 2011.
        ModuleNotFoundError: scikit-learn or Pillow is not installed.
    """
    from sklearn.datasets import load_sample_images

    photographs: Sequence[NDArray[np.uint8]] = load_sample_images().images
    shapes = [photograph.shape for photograph in photographs]
    if shapes != [_SHAPE] * len(CLASS_NAMES):
        raise DataError(f"photo-patches: scikit-learn's photographs have shapes {shapes}, allowed: two of {_SHAPE}")
    digest = hashlib.sha256()
    for photograph in photographs:
        digest.update(np.ascontiguousarray(photograph).data)
    notes = ["photo-patches: of china.jpg and flower.jpg of scikit-learn, CC BY 2.0, by danielbuechele and vultilion"]
    if digest.hexdigest() != _SHA256:
        notes.append("photo-patches: the JPEG decoder of this machine gives other pixels than elsewhere")
    first, end = _HELDOUT
    images, labels = _patches(photographs, [(0, first), (end, _SHAPE[1])])
    heldout_images, heldout_labels = _patches(photographs, [(first, end)])
    return ImageData(
        "photo-patches",
        images,
        labels,
        heldout_images,
        heldout_labels,
        class_names=CLASS_NAMES,
        notes=tuple(notes),
    )


def _patches(photographs: Sequence[NDArray[np.uint8]], bands: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
    """All patches uint8 ``[N, 3, 64, 64]`` within some bands of columns, and their labels int64 ``[N]``."""
    parts, labels = [], []
    for label, photograph in enumerate(photographs):
        for first, end in bands:
            windows = np.lib.stride_tricks.sliding_window_view(photograph[:, first:end], (SIDE, SIDE), axis=(0, 1))
            part = windows[::_STEP, ::_STEP].reshape(-1, _SHAPE[2], SIDE, SIDE)
            parts.append(part)
            labels += [label] * len(part)
    return torch.from_numpy(np.concatenate(parts)), torch.tensor(labels, dtype=torch.int64)
