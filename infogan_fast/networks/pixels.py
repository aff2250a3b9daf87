"""Images as rows of features and back, pixel by pixel, and with fewer pixels.

There is no copy where images are in channels-last order.

``nn.Flatten`` puts one channel after the other, which takes a transposition of such images.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class FlattenPixels(nn.Module):
    """``[B, C, H, W]`` to ``[B, H * W * C]``."""

    def forward(self, images: Tensor) -> Tensor:
        """The channels of one pixel after those of another."""
        return images.permute(0, 2, 3, 1).flatten(1)


class UnflattenPixels(nn.Module):
    """``[B, H * W * C]`` to ``[B, C, H, W]`` in channels-last order.

    Args:
        height, width: of the images.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, features: Tensor) -> Tensor:
        """The inverse of ``FlattenPixels``."""
        channels = features.shape[1] // (self.height * self.width)
        return features.view(-1, self.height, self.width, channels).permute(0, 3, 1, 2)


class PooledTo(nn.Module):
    """Images ``[B, C, H, W]`` averaged over squares of pixels to ``[B, C, height, width]``; of that size, as they are.

    Args:
        height, width: of the result, H and W divided by the same whole number.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, images: Tensor) -> Tensor:
        """The smaller images."""
        factor = images.shape[2] // self.height
        return images if factor == 1 else F.avg_pool2d(images, factor)
