"""Between images and rows of features, pixel by pixel: no copy where images are in channels-last order.

``nn.Flatten`` puts one channel after the other, which takes a transposition of such images.
"""

from __future__ import annotations

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
