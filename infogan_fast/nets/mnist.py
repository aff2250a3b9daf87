"""The paper's networks for MNIST (Chen et al. 2016, appendix C.1), for any image whose sides are multiples of 4.

``width`` multiplies every hidden channel count: 1.0 is the paper's. Convolutions are 4x4 with stride 2 and padding 1,
so each halves or doubles the image exactly. Leaky ReLU has slope 0.1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from infogan_fast.nets.pixels import FlattenPixels, UnflattenPixels

_SLOPE = 0.1


def scaled(channels: int, width: float) -> int:
    """A channel count of the paper times ``width``, rounded, at least 1."""
    if not 0.0 < width < math.inf:
        raise ValueError(f"width must be a positive finite number, got {width!r}")
    return max(1, round(channels * width))


def _quarter_size(image_shape: tuple[int, int, int]) -> tuple[int, int]:
    channels, height, width = image_shape
    if channels < 1 or height < 4 or width < 4 or height % 4 or width % 4:
        raise ValueError(
            f"the MNIST networks halve an image twice: its sides must be multiples of 4 (28x28 in the paper), "
            f"got {channels}x{height}x{width}"
        )
    return height // 4, width // 4


class Generator(nn.Module):
    """``[B, input_dim]`` latent variables to images ``[B, C, H, W]`` in [0, 1].

    FC 1024, FC 7x7x128, up-convolution to 64, each with batch normalisation and ReLU; up-convolution to the image,
    sigmoid (paper, table 1).

    Raises:
        ValueError: the image's sides are not multiples of 4, or ``width`` is not positive.
    """

    def __init__(self, input_dim: int, image_shape: tuple[int, int, int] = (1, 28, 28), width: float = 1.0) -> None:
        super().__init__()
        h, w = _quarter_size(image_shape)
        hidden, wide, narrow = scaled(1024, width), scaled(128, width), scaled(64, width)
        self.layers = nn.Sequential(
            nn.Linear(input_dim, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, wide * h * w),
            nn.BatchNorm1d(wide * h * w),
            nn.ReLU(),
            UnflattenPixels(h, w),
            nn.ConvTranspose2d(wide, narrow, kernel_size=4, stride=2, padding=1),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            nn.ConvTranspose2d(narrow, image_shape[0], kernel_size=4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, latents: Tensor) -> Tensor:
        """Images of latent variables."""
        return self.layers(latents)  # type: ignore[no-any-return]


class Trunk(nn.Module):
    """Images ``[B, C, H, W]`` to the features ``[B, out_features]`` that D and Q share.

    Convolution to 64, convolution to 128 with batch normalisation, FC 1024 with batch normalisation, leaky ReLU after
    each (paper, table 1).

    Raises:
        ValueError: the image's sides are not multiples of 4, or ``width`` is not positive.
    """

    def __init__(self, image_shape: tuple[int, int, int] = (1, 28, 28), width: float = 1.0) -> None:
        super().__init__()
        h, w = _quarter_size(image_shape)
        narrow, wide = scaled(64, width), scaled(128, width)
        self.out_features = scaled(1024, width)
        self.layers = nn.Sequential(
            nn.Conv2d(image_shape[0], narrow, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(narrow, wide, kernel_size=4, stride=2, padding=1),
            nn.BatchNorm2d(wide),
            nn.LeakyReLU(_SLOPE),
            FlattenPixels(),
            nn.Linear(wide * h * w, self.out_features),
            nn.BatchNorm1d(self.out_features),
            nn.LeakyReLU(_SLOPE),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Features of images."""
        return self.layers(images)  # type: ignore[no-any-return]


class QHead(nn.Module):
    """Features ``[B, in_features]`` to ``[B, head_dim]``, the parameters of Q(c|x) that ``info_loss`` takes.

    FC 128 with batch normalisation and leaky ReLU, then a linear layer (paper, table 1).
    """

    def __init__(self, in_features: int, head_dim: int, width: float = 1.0) -> None:
        super().__init__()
        hidden = scaled(128, width)
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden),
            nn.BatchNorm1d(hidden),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(hidden, head_dim),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Q's output for features."""
        return self.layers(features)  # type: ignore[no-any-return]


class InfoGAN(nn.Module):
    """The four networks of an InfoGAN: G, the trunk that D and Q share, D's output layer and Q's head.

    Args:
        input_dim: width of G's input, ``LatentSpec.input_dim``.
        head_dim: width of Q's output, ``LatentSpec.head_dim(variance)``.
        image_shape: ``(channels, height, width)``.
        width: multiplier of every hidden channel count.
        seed: of the initial weights (PyTorch's default initialisation), which are drawn on the CPU whatever the
            device and leave torch's global generator as it was.
    """

    def __init__(
        self,
        input_dim: int,
        head_dim: int,
        image_shape: tuple[int, int, int] = (1, 28, 28),
        width: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.generator = Generator(input_dim, image_shape, width)
            self.trunk = Trunk(image_shape, width)
            self.real_or_fake = nn.Linear(self.trunk.out_features, 1)
            self.head = QHead(self.trunk.out_features, head_dim, width)

    def discriminate(self, images: Tensor) -> Tensor:
        """D's logits ``[B, 1]``: above 0 where an image ``[B, C, H, W]`` is taken for real."""
        return self.real_or_fake(self.trunk(images))  # type: ignore[no-any-return]

    def encode(self, images: Tensor) -> Tensor:
        """Q's output ``[B, head_dim]`` for images ``[B, C, H, W]`` in [0, 1]."""
        return self.head(self.trunk(images))  # type: ignore[no-any-return]
