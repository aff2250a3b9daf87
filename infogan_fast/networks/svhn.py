"""The paper's networks for SVHN and CelebA (Chen et al. 2016, appendices C.2 and C.3), grey or in colour.

At 32x32 they are the paper's. Other square images have sides of 16, 64 or 128: G always begins at 2x2 and D ends at
4x4, so a larger image has more convolutions with 256 channels and a smaller one lacks them. Convolutions are 4x4 with
stride 2 and padding 1. Leaky ReLU has slope 0.1.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from infogan_fast.networks.parts import (
    SLOPE,
    ImageShape,
    Layers,
    TrunkLayers,
    UnitTanh,
    downsample,
    downsamplings_of_square,
    scaled,
    upsample,
    widening,
)
from infogan_fast.networks.pixels import FlattenPixels, UnflattenPixels

_PAPER_SIDE = 32


class Generator(Layers):
    """``[B, input_dim]`` latent variables to images ``[B, C, H, W]`` in [0, 1].

    FC 2x2x448 and an up-convolution to 256 with batch normalisation; up-convolutions to 128 and 64 without, ReLU after
    each; up-convolution to the image, tanh, which is mapped to [0, 1] (paper, appendix C.2).

    Raises:
        ValueError: the image is not one of those above, or ``width`` is not positive.
    """

    def __init__(self, input_dim: int, image_shape: ImageShape = (3, 32, 32), width: float = 1.0) -> None:
        super().__init__()
        upsamplings = downsamplings_of_square("svhn and faces", _PAPER_SIDE, image_shape) - 1
        coarsest = scaled(448, width)
        channels = [coarsest, *reversed(widening(upsamplings - 1, width))]
        layers: list[nn.Module] = [
            nn.Linear(input_dim, 2 * 2 * coarsest),
            nn.BatchNorm1d(2 * 2 * coarsest),
            nn.ReLU(),
            UnflattenPixels(2, 2),
        ]
        for position, (before, after) in enumerate(pairwise(channels)):
            layers.append(upsample(before, after))
            if position < len(channels) - 3:  # not those to 128 and 64
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers, upsample(channels[-1], image_shape[0]), UnitTanh())


class Trunk(TrunkLayers):
    """Images ``[B, C, H, W]`` to the features ``[B, out_features]`` that D and Q share: 4x4x256 in the paper.

    Convolutions to 64, 128 and 256, all but the first with batch normalisation, leaky ReLU after each (paper, appendix
    C.2). D's output layer and Q's head follow at once.

    Raises:
        ValueError: the image is not one of those above, or ``width`` is not positive.
    """

    def __init__(self, image_shape: ImageShape = (3, 32, 32), width: float = 1.0) -> None:
        super().__init__()
        downsamplings = downsamplings_of_square("svhn and faces", _PAPER_SIDE, image_shape) - 2
        channels = widening(downsamplings, width)
        layers: list[nn.Module] = [downsample(image_shape[0], channels[0]), nn.LeakyReLU(SLOPE)]
        for before, after in pairwise(channels):
            layers += [downsample(before, after), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]
        self.out_features = 4 * 4 * channels[-1]
        self.layers = nn.Sequential(*layers, FlattenPixels())
