"""Networks for images in general, grey or in colour, few or many: not the paper's.

G upsamples with ``SmoothUpsample``, which draws no checkerboards. What reads the categories is a network of its own, so
that it can be shown other views than D: those that differ in what the category is to ignore. Continuous codes are read
off the trunk that Q shares with D, as in the paper. Images are halved while their sides are even and above 7: G begins,
and D ends, at 4x4 for sides of 32, 64 or 128, at 7x7 for 28.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from infogan_fast.networks.parts import (
    SLOPE,
    ImageShape,
    Layers,
    SmoothUpsample,
    TrunkLayers,
    UnitTanh,
    downsample,
    scaled,
)
from infogan_fast.networks.pixels import FlattenPixels, UnflattenPixels
from infogan_fast.networks.standardise import Standardise

_WIDEST, _NARROWEST = 512, 64
_READ_AT = 32  # pixels: the categories are read off images whose sides are below twice that
_COARSEST = 7
_MOST_COARSE_PIXELS = 16 * 16


class Generator(Layers):
    """``[B, input_dim]`` latent variables to images ``[B, C, H, W]`` in [0, 1].

    A fully connected layer to 512 channels, upsampling layers to half as many each, at least 64; batch normalisation
    and ReLU after each; a 3x3 convolution of the pixels to the image, without which the last upsampling would have to
    draw every edge from half as many pixels; tanh, which is mapped to [0, 1].

    Raises:
        ValueError: the image's sides cannot be halved that far, or ``width`` is not positive.
    """

    def __init__(self, input_dim: int, image_shape: ImageShape, width: float = 1.0) -> None:
        super().__init__()
        halvings, height, width_of_coarsest = _halvings(image_shape)
        channels = _channels(halvings, width)[::-1]
        coarsest = channels[0] * height * width_of_coarsest
        layers: list[nn.Module] = [
            nn.Linear(input_dim, coarsest),
            nn.BatchNorm1d(coarsest),
            nn.ReLU(),
            UnflattenPixels(height, width_of_coarsest),
        ]
        for before, after in pairwise(channels):
            layers += [SmoothUpsample(before, after), nn.BatchNorm2d(after), nn.ReLU()]
        finest = scaled(_NARROWEST, width)
        self.layers = nn.Sequential(
            *layers,
            SmoothUpsample(channels[-1], finest),
            nn.BatchNorm2d(finest),
            nn.ReLU(),
            nn.Conv2d(finest, image_shape[0], kernel_size=3, padding=1),
            UnitTanh(),
        )


class Trunk(TrunkLayers):
    """Images ``[B, C, H, W]`` to the features ``[B, out_features]`` that D and Q share.

    Convolutions to twice as many channels each, from at least 64 to 512 at the end; all but the first with batch
    normalisation, leaky ReLU after each.

    Raises:
        ValueError: as ``Generator``.
    """

    def __init__(self, image_shape: ImageShape, width: float = 1.0) -> None:
        super().__init__()
        halvings, height, width_of_coarsest = _halvings(image_shape)
        channels = _channels(halvings, width)
        self.out_features = channels[-1] * height * width_of_coarsest
        self.layers = nn.Sequential(*_downsampling(image_shape[0], channels), FlattenPixels())


class CategoricalNetwork(nn.Module):
    """Images ``[B, C, H, W]`` to the logits of all categorical codes, ``[B, sum of categories]``.

    Images are first averaged over squares of pixels, 2x2 where their sides are 64 and so on (``pool``), and where
    colour, brightness and contrast are to mean nothing made grey, of mean 0 and standard deviation 1 each
    (``standardise``). Then convolutions as in ``Trunk``, of half as many channels, and a linear layer (``layers``). The
    training step calls the three one by one: views are taken between them.

    Args:
        image_shape: of the images.
        categories: of all codes together.
        width: multiplier of the channel counts.
        standardised: whether there is the second part.

    Raises:
        ValueError: as ``Generator``.
    """

    def __init__(self, image_shape: ImageShape, categories: int, width: float = 1.0, standardised: bool = True) -> None:
        super().__init__()
        channels, height, across = image_shape
        pooling = 1
        while min(height, across) >= 2 * _READ_AT and height % 2 == 0 and across % 2 == 0:
            pooling, height, across = 2 * pooling, height // 2, across // 2
        halvings, coarse_height, coarse_across = _halvings((channels, height, across))
        hidden = _channels(halvings, 0.5 * width)
        self.pool = nn.AvgPool2d(pooling) if pooling > 1 else nn.Identity()
        self.standardise = Standardise() if standardised else None
        self.layers = nn.Sequential(
            *_downsampling(1 if standardised else channels, hidden),
            FlattenPixels(),
            nn.Linear(hidden[-1] * coarse_height * coarse_across, categories),
        )

    def forward(self, images: Tensor) -> Tensor:
        """The logits."""
        images = self.pool(images)
        logits: Tensor = self.layers(images if self.standardise is None else self.standardise(images))
        return logits


class ContinuousHead(Layers):
    """Features ``[B, in_features]`` to the parameters of Q for the continuous codes: FC 256, leaky ReLU, FC."""

    def __init__(self, in_features: int, columns: int, width: float = 1.0) -> None:
        super().__init__()
        hidden = scaled(256, width)
        self.layers = nn.Sequential(nn.Linear(in_features, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, columns))


def _downsampling(in_channels: int, channels: list[int]) -> list[nn.Module]:
    layers: list[nn.Module] = [downsample(in_channels, channels[0]), nn.LeakyReLU(SLOPE)]
    for before, after in pairwise(channels):
        layers += [downsample(before, after), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]
    return layers


def _channels(halvings: int, width: float) -> list[int]:
    """Channels from fine to coarse, the last 512, others half of the next one's but at least 64, times ``width``.

    So every layer takes about as many products, and an image of twice the side not four times as many.
    """
    return [scaled(max(_WIDEST >> layer, _NARROWEST), width) for layer in reversed(range(halvings))]


def _halvings(image_shape: ImageShape) -> tuple[int, int, int]:
    """How often an image is halved, and the sides that are left."""
    channels, height, width = image_shape
    halvings = 0
    while min(height, width) > _COARSEST and height % 2 == 0 and width % 2 == 0:
        height, width, halvings = height // 2, width // 2, halvings + 1
    if channels < 1 or halvings < 1 or height * width > _MOST_COARSE_PIXELS:
        raise ValueError(
            "the networks for images in general halve an image at least once, while its sides are even and above 7, "
            "down to at most 256 pixels, such as one of 28x28, 32x32, 64x64 or 128x128; "
            f"got {'x'.join(map(str, image_shape))}"
        )
    return halvings, height, width
