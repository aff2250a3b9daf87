"""A distance between two sets of images that needs no trained network (Karras et al. 2018, section 5)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from infogan_fast.data.images import size_text
from infogan_fast.model import to_float

_PATCH = 7  # pixels, height and width
_PATCHES = 16  # of one image at one level
_PROJECTIONS = 128


class SlicedWasserstein:
    """Sliced Wasserstein distances of sets of images to one reference set, per level of a Laplacian pyramid.

    A level holds the details of one size, from the finest to what is left of the image when its shorter side is
    downsampled to 7 to 13 pixels. For each image and level 16 random patches of 7x7 pixels are compared: per channel in
    standard deviations from the mean of the reference's, projected on 128 random directions, and along each the mean
    distance between the sorted values of both sets.

    Unlike in the paper the pyramid goes down to the whole image instead of 16x16, a set is normalised with the
    reference's mean and deviation instead of its own (so that brightness and contrast count), and there are fewer
    patches (16 instead of 128) and directions (128 instead of 512), for speed.

    Args:
        reference: uint8 ``[N, C, H, W]``.
        seed: of patches and directions, which are the same for every set.
    """

    def __init__(self, reference: Tensor, seed: int) -> None:
        self._seed, self._size = seed, reference.shape
        self._scales: list[tuple[Tensor, Tensor]] = []
        self._sorted = self._projected(reference)

    def distances(self, images: Tensor) -> dict[str, float]:
        """The distance at each level, named by its size such as ``"28x28"``, the finest first; in standard deviations.

        It is at least 0, and 0 only for equal sets, not for two samples of one distribution: compare it with that of
        other real images.

        Args:
            images: uint8, of the reference's shape.

        Raises:
            ValueError: they have another shape.
        """
        if images.shape != self._size:
            raise ValueError(f"images must have the reference's shape {list(self._size)}, got {list(images.shape)}")
        result = {}
        for name, values in self._projected(images).items():
            result[name] = float((values - self._sorted[name]).abs().mean())
        return result

    def _projected(self, images: Tensor) -> dict[str, Tensor]:
        """Sorted values along each direction, by level: ``[directions, N * patches]``."""
        generator = torch.Generator().manual_seed(self._seed)
        result = {}
        for level, details in enumerate(laplacian_pyramid(to_float(images.cpu()))):
            patches = _patches(details, generator)  # [n, C, h, w]
            if len(self._scales) == level:
                self._scales.append((patches.mean((0, 2, 3), True), patches.std((0, 2, 3), keepdim=True)))
            mean, deviation = self._scales[level]
            patches = ((patches - mean) / torch.where(deviation > 0.0, deviation, 1.0)).flatten(1)
            directions = F.normalize(torch.randn(_PROJECTIONS, patches.shape[1], generator=generator), dim=1)
            values = np.sort((directions @ patches.T).numpy(), axis=1)  # several times as fast as torch's
            result[size_text(details.shape[2:])] = torch.from_numpy(values)
        return result


def laplacian_pyramid(images: Tensor) -> list[Tensor]:
    """What each downsampling of the images loses, and what is left.

    Args:
        images: floating point ``[N, C, H, W]``.

    Returns:
        The levels, the finest first: ``[N, C, H, W]``, ``[N, C, ceil(H/2), ceil(W/2)]``, ...
    """
    levels = []
    while min(images.shape[2:]) >= 2 * _PATCH - 1:
        smaller = _blurred(images)[:, :, ::2, ::2]
        spread = torch.zeros_like(images)
        spread[:, :, ::2, ::2] = smaller
        levels.append(images - 4.0 * _blurred(spread))
        images = smaller
    return [*levels, images]


def _blurred(images: Tensor) -> Tensor:
    """Each pixel as the mean of 5x5 around it with binomial weights, the image mirrored at its edges."""
    weights = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=images.dtype) / 16.0
    each = F.pad(images.flatten(0, 1)[:, None], (2, 2, 2, 2), mode="reflect")
    each = F.conv2d(F.conv2d(each, weights.view(1, 1, 1, 5)), weights.view(1, 1, 5, 1))
    return each.view(images.shape)


def _patches(images: Tensor, generator: torch.Generator) -> Tensor:
    """Patches at random places, ``[N * patches, C, h, w]``: 7x7, or the shorter side of a smaller image."""
    side = min(_PATCH, *images.shape[2:])
    windows = images.unfold(2, side, 1).unfold(3, side, 1)  # [N, C, rows, columns, side, side]
    count, _, rows, columns = windows.shape[:4]
    shape = (count, min(_PATCHES, rows * columns))
    row, column = (torch.randint(size, shape, generator=generator) for size in (rows, columns))
    return windows[torch.arange(count)[:, None], :, row, column].flatten(0, 1)
