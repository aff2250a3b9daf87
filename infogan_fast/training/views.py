"""What D and Q see of an image: a small random affine map of it, and Gaussian noise, real and generated images alike.

Both keep D from telling the two apart by detail that 4,000 images are too few to learn (instance noise: Sonderby et al.
2017; the same random map on real and generated images: Karras et al. 2020), and a categorical code that Q has to read
off a sheared image cannot be one for slant.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

#: Views per step: of the real images, and of the generated ones in D's and in G's update.
VIEWS = 3
REAL, FAKE_FOR_DISCRIMINATOR, FAKE_FOR_GENERATOR = range(VIEWS)


class Views(NamedTuple):
    """How a batch of ``B`` images is seen, ``V`` times over."""

    maps: Tensor | None
    """``[V, B, 2, 3]``: affine maps from the view's coordinates to the image's, both in [-1, 1]; None for none."""
    noise: Tensor | None
    """``[V, B, C, H, W]``, added after the map; None for none."""

    def see(self, images: Tensor, view: int) -> Tensor:
        """View number ``view`` of images ``[B, C, H, W]``; differentiable in them. Outside an image is 0."""
        if self.maps is not None:
            grid = F.affine_grid(self.maps[view], list(images.shape), align_corners=False)
            images = F.grid_sample(images, grid, align_corners=False)
        return images if self.noise is None else images + self.noise[view]


def affine_maps(uniform: Tensor, shear: float, rotation: float) -> Tensor:
    """Affine maps ``[..., 2, 3]`` from numbers ``[..., 2]`` that are uniform in [-1, 1].

    Args:
        uniform: one number for the shear, one for the rotation.
        shear: largest horizontal shear, as a ratio of lengths.
        rotation: largest rotation, in degrees.
    """
    horizontal, angle = shear * uniform[..., 0], math.radians(rotation) * uniform[..., 1]
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = torch.stack((cos, horizontal - sin, zero), dim=-1), torch.stack((sin, cos, zero), dim=-1)
    return torch.stack(rows, dim=-2)
