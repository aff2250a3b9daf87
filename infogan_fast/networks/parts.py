"""What the networks of several set-ups are made of.

``width`` multiplies every hidden channel count: 1.0 is the paper's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: ``(channels, height, width)``.
ImageShape = tuple[int, int, int]

#: Of the leaky ReLU in the paper's networks (appendix C).
SLOPE = 0.1

_SIDES = (16, 32, 64, 128)


class Layers(nn.Module):
    """Layers one after the other. The training step runs ``layers`` itself, some of them with the package's own ops."""

    layers: nn.Sequential

    def forward(self, batch: Tensor) -> Tensor:
        """The layers' output."""
        return self.layers(batch)  # type: ignore[no-any-return]


class TrunkLayers(Layers):
    """Images ``[B, C, H, W]`` to the features ``[B, out_features]`` that D and Q share."""

    out_features: int


class QHead(Layers):
    """Features ``[B, in_features]`` to ``[B, head_dim]``, the parameters of Q(c|x) that ``info_loss`` takes.

    FC 128 with batch normalisation and leaky ReLU, then a linear layer (paper, appendices C.1 to C.3).
    """

    def __init__(self, in_features: int, head_dim: int, width: float = 1.0) -> None:
        super().__init__()
        hidden = scaled(128, width)
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden),
            nn.BatchNorm1d(hidden),
            nn.LeakyReLU(SLOPE),
            nn.Linear(hidden, head_dim),
        )


class LinearHead(Layers):
    """Features ``[B, in_features]`` to ``[B, head_dim]`` by one linear layer: D and Q share all but their outputs.

    That of the paper's faces and chairs (appendices C.4 and C.5). ``width`` changes nothing: no channel is hidden.
    """

    def __init__(self, in_features: int, head_dim: int, width: float = 1.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(in_features, head_dim))


class UnitTanh(nn.Module):
    """``(tanh(x) + 1) / 2``: where a publication has images in [-1, 1] from a tanh, this package has them in [0, 1].

    So D too sees images in [0, 1]. Its first layer is linear, and can take on the difference.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Values in [0, 1], of the same shape."""
        return 0.5 * torch.tanh(values) + 0.5


class SmoothUpsample(nn.Module):
    """Nearest upsampling by 2 and a 3x3 convolution as one up-convolution: ``[B, in, H, W]`` to ``[B, out, 2 H, 2 W]``.

    Up-convolutions of free weights draw checkerboards, since neighbouring pixels are made by different weights; here
    they share them (Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"). The one that does the same as
    upsampling and convolution takes 4 products per channel and pixel instead of 9.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)

    def kernel(self) -> Tensor:
        """The up-convolution's weight ``[in, out, 4, 4]``, for stride 2 and padding 1; differentiable."""
        weight = self.conv.weight.transpose(0, 1).flip(2, 3)
        return (
            F.pad(weight, (0, 1, 0, 1))
            + F.pad(weight, (1, 0, 0, 1))
            + F.pad(weight, (0, 1, 1, 0))
            + F.pad(weight, (1, 0, 1, 0))
        )

    def forward(self, images: Tensor) -> Tensor:
        """The upsampled images."""
        return F.conv_transpose2d(images, self.kernel(), self.conv.bias, stride=2, padding=1)


def scaled(channels: int, width: float) -> int:
    """A channel count of the paper times ``width``, rounded, at least 1."""
    if not 0.0 < width < math.inf:
        raise ValueError(f"width must be a positive finite number, got {width!r}")
    return max(1, round(channels * width))


def widening(layers: int, width: float) -> list[int]:
    """Channels of convolutions from fine to coarse: 64, 128, then 256 for all, times ``width``.

    The paper's of three; further ones of 256, rather than 512 and 1024, keep large images affordable.
    """
    return [scaled(min(64 << layer, 256), width) for layer in range(layers)]


def downsample(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A convolution that downsamples images by 2: ``[B, in, H, W]`` to ``[B, out, H / 2, W / 2]``."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=4, stride=2, padding=1)


def upsample(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """An up-convolution that upsamples images by 2: ``[B, in, H, W]`` to ``[B, out, 2 H, 2 W]``."""
    return nn.ConvTranspose2d(in_channels, out_channels, kernel_size=4, stride=2, padding=1)


def downsamplings_of_square(networks: str, paper_side: int, image_shape: ImageShape) -> int:
    """How often a square image can be halved until it is a pixel.

    Args:
        networks: their name, for the message.
        paper_side: the side of the paper's images, for the message.
        image_shape: of the images.

    Raises:
        ValueError: the image is not square, or its side is not 16, 32, 64 or 128.
    """
    channels, height, width = image_shape
    if channels < 1 or height != width or height not in _SIDES:
        raise ValueError(
            f"the {networks} networks take square images whose sides are {_listed(_SIDES)} "
            f"({paper_side}x{paper_side} in the paper), got {channels}x{height}x{width}"
        )
    return height.bit_length() - 1


def quarters(networks: str, source: str, image_shape: ImageShape) -> tuple[int, int]:
    """Height and width of an image that has been halved twice.

    Args:
        networks: their name, for the message.
        source: where 28x28 are from, for the message.
        image_shape: of the images.

    Raises:
        ValueError: the sides are not multiples of 4.
    """
    channels, height, width = image_shape
    if channels < 1 or height < 4 or width < 4 or height % 4 or width % 4:
        raise ValueError(
            f"the {networks} networks halve an image twice: its sides must be multiples of 4 (28x28 in {source}), "
            f"got {channels}x{height}x{width}"
        )
    return height // 4, width // 4


def _listed(numbers: Sequence[int]) -> str:
    return f"{', '.join(map(str, numbers[:-1]))} or {numbers[-1]}"
