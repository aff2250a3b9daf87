"""Random views of images that show the category and nothing else: what it is to ignore differs from view to view.

The information that Q's category for one view of a real image has about that for another
(``objectives.real_information``) is then only about what the views have in common (Ji, Henriques, Vedaldi 2019).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan_fast.networks.images import CategoricalNetwork
from infogan_fast.training.augment import mapped, pixel_centres
from infogan_fast.training.ignore import Ignored

_BLUR = 5  # pixels, side of the kernel
_CONTRAST = 0.6  # the largest change, as a ratio
_BLURRED, _MOVED, _NUMBERS = 9, 10, 11  # of an image's random numbers; those before say how pixels are moved


class RandomChanges:
    """Views of some batches of images, each image changed at random.

    Pixels are moved by an affine map (what comes from outside the image is its nearest edge), blurred, and for
    ``colour`` mixed towards grey with random weights of the channels. The random numbers are kept in one tensor that is
    refilled in place, so that a captured step reads them afresh.

    Args:
        ignored: how far views differ.
        like: a batch ``[B, C, H, W]`` of the images' dtype on the device.
        count: how many batches there are views of.
        probability: that the pixels of an image are moved.
    """

    def __init__(self, ignored: Ignored, like: Tensor, count: int, probability: float = 1.0) -> None:
        self._ignored, self._probability = ignored, probability
        batch, channels, height, width = like.shape
        self._uniform = like.new_zeros((count, batch, _NUMBERS + channels))
        self._pixels = pixel_centres(height, width, like.device).to(like.dtype)
        weights = torch.tensor([math.comb(_BLUR - 1, k) for k in range(_BLUR)], dtype=like.dtype, device=like.device)
        self._blur = (weights / weights.sum()).repeat(channels, 1)
        self._as_it_is = torch.eye(2, 3, dtype=like.dtype, device=like.device)

    def draw(self, generator: torch.Generator) -> None:
        """Draw new views."""
        self._uniform.uniform_(generator=generator)

    def augment(self, images: Tensor, *views: int) -> Tensor:
        """Views of images ``[len(views) * B, C, H, W]``, a batch for each; differentiable in them.

        Args:
            images: batch by batch.
            views: numbers in sequence, of ``count``.
        """
        uniform, limits = self._uniform[views[0] : views[-1] + 1].flatten(0, 1), self._ignored
        if limits.moves:
            maps = _maps(uniform, limits)
            if self._probability < 1.0:
                maps = torch.where(uniform[:, _MOVED, None, None] < self._probability, maps, self._as_it_is)
            points = mapped(maps, self._pixels)
            images = F.grid_sample(images, points, padding_mode="border", align_corners=False)
        if limits.blur > 0.0:
            images = torch.lerp(images, self._blurred(images), limits.blur * uniform[:, _BLURRED, None, None, None])
        if limits.colour > 0.0:
            weights = uniform[:, _NUMBERS:, None, None]
            grey = (images * (weights / weights.sum(1, keepdim=True).clamp_min(1e-6))).sum(1, keepdim=True)
            images = torch.lerp(images, grey.expand_as(images), limits.colour)
        return images

    def _blurred(self, images: Tensor) -> Tensor:
        channels = images.shape[1]
        rows = F.conv2d(_extended(images, 2), self._blur[:, None, :, None], groups=channels)
        return F.conv2d(_extended(rows, 3), self._blur[:, None, None, :], groups=channels)


def _extended(images: Tensor, dimension: int) -> Tensor:
    """Images with their first and last row or column repeated, half the kernel's side on either end."""
    # torch.compile cannot differentiate F.pad(mode="replicate") of images in channels-last order.
    first, last = images.narrow(dimension, 0, 1), images.narrow(dimension, images.shape[dimension] - 1, 1)
    return torch.cat((first, first, images, last, last), dimension)


def _maps(uniform: Tensor, limits: Ignored) -> Tensor:
    """Affine maps ``[B, 2, 3]``, from a view's coordinates to the image's, from numbers ``[B, n]`` in [0, 1)."""
    signed = 2.0 * uniform - 1.0
    angle, shear = math.radians(limits.rotation) * signed[:, 0], limits.shear * signed[:, 1]
    zoom = (limits.log_zoom * uniform[:, 6]).exp()
    scale = (limits.scale * signed[:, 2]).exp() * zoom
    cos, sin = scale * angle.cos(), scale * angle.sin()
    flip = torch.where(uniform[:, 7] < limits.flip, -1.0, 1.0)
    across, down = (2.0 * limits.shift * signed[:, 3 + axis] for axis in (0, 1))  # a side is 2 long
    crop_across, crop_down = (1.0 - zoom) * signed[:, 5], (1.0 - zoom) * signed[:, 8]
    rows = (
        torch.stack((flip * cos, scale * shear - sin, across + crop_across), dim=-1),
        torch.stack((flip * sin, cos, down + crop_down), dim=-1),
    )
    return torch.stack(rows, dim=-2)


class CategoryViews:
    """What the network that reads the categories is shown in an update of D and Q, and in one of G.

    Of a ``CategoricalNetwork`` it is what its ``layers`` take. Views of which colour is forgotten are standardised by
    it, and differ in contrast all the same: a small shape has a higher peak than a large one of the same deviation, and
    would be told by that.

    Args:
        ignored: how far views differ.
        like: a batch ``[B, C, H, W]`` of the images' dtype on the device.
        pairs: how many pairs of views there are of each real image; 0 where no term compares them.
        network: that reads the categories.
    """

    def __init__(self, ignored: Ignored, like: Tensor, pairs: int, network: nn.Module) -> None:
        self.pairs = pairs
        self._pool: nn.Module = nn.Identity()
        self._standardise: nn.Module | None = None
        if isinstance(network, CategoricalNetwork):
            self._pool, self._standardise = network.pool, network.standardise
        self._contrast = like.new_ones((2 * pairs + 2, len(like)))
        self._changes = RandomChanges(ignored, self._pool(like), 2 * pairs + 2)

    def draw(self, generator: torch.Generator) -> None:
        """Draw new views."""
        self._changes.draw(generator)
        if self._standardise is not None:
            self._contrast.uniform_(1.0 - _CONTRAST, 1.0 + _CONTRAST, generator=generator)

    def of_real(self, real: Tensor) -> Tensor:
        """Views ``[2 pairs * B, c, h, w]`` of the real images: one of each pair, then the others; at least one pair."""
        return self._viewed(torch.cat([self._pool(real)] * (2 * self.pairs)), *range(2 * self.pairs))

    def of_discriminator(self, fake: Tensor) -> Tensor:
        """Views ``[B, c, h, w]`` of the generated images, for D's and Q's update."""
        return self._viewed(self._pool(fake), 2 * self.pairs)

    def of_generator(self, fake: Tensor) -> Tensor:
        """Views ``[B, c, h, w]`` of the generated images, for G's update; differentiable in them."""
        return self._viewed(self._pool(fake), 2 * self.pairs + 1)

    def _viewed(self, images: Tensor, *views: int) -> Tensor:
        seen = self._changes.augment(images, *views)
        if self._standardise is None:
            return seen
        contrast = self._contrast[views[0] : views[-1] + 1].flatten()
        return self._standardise(seen) * contrast[:, None, None, None]  # type: ignore[no-any-return]
