"""Random augmentation of what D and Q see: small affine maps of images, and Gaussian noise, real and generated alike.

Both keep D from telling the two apart by detail that 4,000 images are too few to learn (instance noise: Sonderby et al.
2017; the same random map on real and generated images: Karras et al. 2020), and a categorical code that Q has to read
off a sheared image cannot be one for slant.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

#: Views per step: of the real images, and of the generated ones in D's and in G's update.
VIEWS = 3
REAL, FAKE_FOR_DISCRIMINATOR, FAKE_FOR_GENERATOR = range(VIEWS)


class Changes(Protocol):
    """What changes images of several views."""

    def augment(self, images: Tensor, *views: int) -> Tensor:
        """As ``Views.augment``."""
        ...


class Views(NamedTuple):
    """Random views of B images, or of other data, V of each."""

    points: Tensor | None
    """``[V, B, H, W, 2]``: where each pixel of a view comes from, x and y in [-1, 1]; None for where it is."""
    noise: Tensor | None
    """``[V, B, *shape]``, added after that; None for none."""
    changes: Changes | None = None
    """Further changes, made first; None for none."""

    def augment(self, images: Tensor, *views: int) -> Tensor:
        """Views of images ``[len(views) * B, *shape]``, a batch for each; differentiable in them. Outside is 0.

        Args:
            images: batch by batch.
            views: numbers in sequence.
        """
        chosen = slice(views[0], views[-1] + 1)
        if self.changes is not None:
            images = self.changes.augment(images, *views)
        if self.points is not None:
            images = F.grid_sample(images, self.points[chosen].flatten(0, 1), align_corners=False)
        return images if self.noise is None else images + self.noise[chosen].flatten(0, 1)


def pixel_centres(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """x and y of every pixel, both from -1 to 1 across an image, and ones: float32 ``[3, H, W]``."""
    y, x = (torch.linspace(1 / size - 1, 1 - 1 / size, size, device=device) for size in (height, width))
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack((columns, rows, torch.ones_like(rows)))


def mapped(maps: Tensor, pixels: Tensor, out: Tensor | None = None) -> Tensor:
    """Pixels under affine maps: what ``torch.nn.functional.affine_grid`` does image by image, in one product.

    Args:
        maps: ``[..., 2, 3]``, from a view's coordinates to the image's.
        pixels: ``[3, H, W]``, from ``pixel_centres``.
        out: where to put the result, from an earlier call.

    Returns:
        ``[..., H, W, 2]``, x and y. In memory these are the outer dimension, not the inner one.
    """
    shape = *maps.shape[:-1], *pixels.shape[1:]
    target = None if out is None else out.movedim(-1, -3).view(-1, pixels[0].numel())
    return torch.mm(maps.flatten(0, -2), pixels.flatten(1), out=target).view(shape).movedim(-3, -1)


class AffineRange(NamedTuple):
    """The largest parameters of random affine maps."""

    shear: float
    """The largest horizontal shear, as a ratio of lengths."""
    rotation: float
    """The largest rotation in degrees."""
    scale: float = 0.0
    """The largest change of scale, as the logarithm of a ratio of lengths."""
    shift: float = 0.0
    """The largest shift along each side, as a fraction of it."""

    @property
    def numbers(self) -> int:
        """How many random numbers a map takes."""
        return 5 if self.scale > 0.0 or self.shift > 0.0 else 2


def affine_maps(uniform: Tensor, limits: AffineRange) -> Tensor:
    """Affine maps ``[..., 2, 3]`` from numbers ``[..., limits.numbers]`` that are uniform in [-1, 1].

    Args:
        uniform: one number for the shear, one for the rotation, and where they vary one for the scale and two for the
            shifts.
        limits: how far the parameters vary.
    """
    shear, rotation, scale, shift = limits
    horizontal, angle = shear * uniform[..., 0], math.radians(rotation) * uniform[..., 1]
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = torch.stack((cos, horizontal - sin, zero), dim=-1), torch.stack((sin, cos, zero), dim=-1)
    maps = torch.stack(rows, dim=-2)
    if uniform.shape[-1] > 2:
        maps *= (scale * uniform[..., 2]).exp()[..., None, None]
        maps[..., 2] = 2.0 * shift * uniform[..., 3:]  # a side is 2 long
    return maps
