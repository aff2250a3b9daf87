"""The paper's networks for 3D chairs (Chen et al. 2016, appendix C.5), grey or in colour.

At 64x64 they are the paper's. Other square images have sides of 16, 32 or 128: D downsamples and G upsamples between
the image and 8x8, so a larger image has one convolution with 256 channels more and a smaller one lacks the coarsest.
Convolutions are 4x4, with stride 2 and padding 1 or with stride 1 and as many zeros around as keep the size. Leaky ReLU
has slope 0.1.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from infogan_fast.networks.parts import (
    SLOPE,
    ImageShape,
    Layers,
    TrunkLayers,
    downsample,
    downsamplings_of_square,
    scaled,
    upsample,
    widening,
)
from infogan_fast.networks.pixels import FlattenPixels, UnflattenPixels

_PAPER_SIDE = 64

# Zeros to the left, right, top and bottom of a 4x4 convolution with stride 1. TensorFlow, in which the paper's networks
# were written, has the odd one after the image, and before it where such a convolution is transposed.
_AROUND, _AROUND_TRANSPOSED = (1, 2, 1, 2), (2, 1, 2, 1)


class Generator(Layers):
    """``[B, input_dim]`` latent variables to images ``[B, C, H, W]`` in [0, 1].

    FC 1024, FC 8x8x256, two up-convolutions to 256 with stride 1, up-convolutions to 128 and 64 with stride 2, each
    with batch normalisation and ReLU; up-convolution to the image, sigmoid (paper, appendix C.5 (?): D's mirror image).
    An up-convolution with stride 1 is a convolution whose kernel is stored upside down, and is one here.

    Raises:
        ValueError: the image is not one of those above, or ``width`` is not positive.
    """

    def __init__(self, input_dim: int, image_shape: ImageShape = (1, 64, 64), width: float = 1.0) -> None:
        super().__init__()
        upsamplings = downsamplings_of_square("chairs", _PAPER_SIDE, image_shape) - 3
        hidden, coarsest = scaled(1024, width), scaled(256, width)
        channels = [coarsest, *reversed(widening(upsamplings - 1, width))]
        layers: list[nn.Module] = [
            nn.Linear(input_dim, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, 8 * 8 * coarsest),
            nn.BatchNorm1d(8 * 8 * coarsest),
            nn.ReLU(),
            UnflattenPixels(8, 8),
        ]
        for _ in range(2):
            layers += [nn.ZeroPad2d(_AROUND_TRANSPOSED), nn.Conv2d(coarsest, coarsest, kernel_size=4)]
            layers += [nn.BatchNorm2d(coarsest), nn.ReLU()]
        for before, after in pairwise(channels):
            layers += [upsample(before, after), nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, upsample(channels[-1], image_shape[0]), nn.Sigmoid())


class Trunk(TrunkLayers):
    """Images ``[B, C, H, W]`` to the features ``[B, out_features]`` that D and Q share, all but their output layers.

    Convolutions to 64, 128 and 256 with stride 2, two to 256 with stride 1, FC 1024, all but the first with batch
    normalisation, leaky ReLU after each (paper, appendix C.5).

    Raises:
        ValueError: the image is not one of those above, or ``width`` is not positive.
    """

    def __init__(self, image_shape: ImageShape = (1, 64, 64), width: float = 1.0) -> None:
        super().__init__()
        downsamplings = downsamplings_of_square("chairs", _PAPER_SIDE, image_shape) - 3
        channels, coarsest = widening(downsamplings, width), scaled(256, width)
        layers: list[nn.Module] = [downsample(image_shape[0], channels[0]), nn.LeakyReLU(SLOPE)]
        for before, after in pairwise(channels):
            layers += [downsample(before, after), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]
        for before, after in ((channels[-1], coarsest), (coarsest, coarsest)):
            layers += [nn.ZeroPad2d(_AROUND), nn.Conv2d(before, after, kernel_size=4)]
            layers += [nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]
        self.out_features = scaled(1024, width)
        self.layers = nn.Sequential(
            *layers,
            FlattenPixels(),
            nn.Linear(8 * 8 * coarsest, self.out_features),
            nn.BatchNorm1d(self.out_features),
            nn.LeakyReLU(SLOPE),
        )
