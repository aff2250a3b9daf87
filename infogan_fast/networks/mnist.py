"""The paper's networks for MNIST (Chen et al. 2016, appendix C.1), for any image whose sides are multiples of 4.

``width`` multiplies every hidden channel count: 1.0 is the paper's. Convolutions are 4x4 with stride 2 and padding 1,
so each downsamples or upsamples the image by exactly 2. Leaky ReLU has slope 0.1.
"""

from __future__ import annotations

from torch import nn

from infogan_fast.networks.parts import SLOPE, ImageShape, Layers, TrunkLayers, downsample, quarters, scaled, upsample
from infogan_fast.networks.pixels import FlattenPixels, UnflattenPixels


class Generator(Layers):
    """``[B, input_dim]`` latent variables to images ``[B, C, H, W]`` in [0, 1].

    FC 1024, FC 7x7x128, up-convolution to 64, each with batch normalisation and ReLU; up-convolution to the image,
    sigmoid (paper, table 1).

    Raises:
        ValueError: the image's sides are not multiples of 4, or ``width`` is not positive.
    """

    def __init__(self, input_dim: int, image_shape: ImageShape = (1, 28, 28), width: float = 1.0) -> None:
        super().__init__()
        h, w = quarters("MNIST", "the paper", image_shape)
        hidden, wide, narrow = scaled(1024, width), scaled(128, width), scaled(64, width)
        self.layers = nn.Sequential(
            nn.Linear(input_dim, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, wide * h * w),
            nn.BatchNorm1d(wide * h * w),
            nn.ReLU(),
            UnflattenPixels(h, w),
            upsample(wide, narrow),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            upsample(narrow, image_shape[0]),
            nn.Sigmoid(),
        )


class Trunk(TrunkLayers):
    """Images ``[B, C, H, W]`` to the features ``[B, out_features]`` that D and Q share.

    Convolution to 64, convolution to 128 with batch normalisation, FC 1024 with batch normalisation, leaky ReLU after
    each (paper, table 1).

    Raises:
        ValueError: the image's sides are not multiples of 4, or ``width`` is not positive.
    """

    def __init__(self, image_shape: ImageShape = (1, 28, 28), width: float = 1.0) -> None:
        super().__init__()
        h, w = quarters("MNIST", "the paper", image_shape)
        narrow, wide = scaled(64, width), scaled(128, width)
        self.out_features = scaled(1024, width)
        self.layers = nn.Sequential(
            downsample(image_shape[0], narrow),
            nn.LeakyReLU(SLOPE),
            downsample(narrow, wide),
            nn.BatchNorm2d(wide),
            nn.LeakyReLU(SLOPE),
            FlattenPixels(),
            nn.Linear(wide * h * w, self.out_features),
            nn.BatchNorm1d(self.out_features),
            nn.LeakyReLU(SLOPE),
        )
