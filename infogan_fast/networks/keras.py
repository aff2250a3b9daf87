"""The networks of the InfoGAN for MNIST that is common in Keras, for any image whose sides are multiples of 4.

Convolutions are 3x3. Leaky ReLU has slope 0.2. Batch normalisation has Keras's epsilon, and its momentum of 0.8: the
fraction of the running statistics that is kept, so 0.2 in PyTorch, where it is what is new. D's dropout of 0.25
after each activation is left out: it would be the only thing random within the networks, to be drawn anew by (seed,
step) outside of them so that captured and resumed runs stay reproducible, and the settings ``instance_noise``,
``shear`` and ``rotation``, which are, serve the same purpose.
"""

from __future__ import annotations

from torch import nn

from infogan_fast.networks.parts import ImageShape, Layers, TrunkLayers, UnitTanh, quarters, scaled
from infogan_fast.networks.pixels import FlattenPixels, UnflattenPixels

_SLOPE = 0.2


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.2)


class Generator(Layers):
    """``[B, input_dim]`` latent variables to images ``[B, C, H, W]`` in [0, 1].

    FC 7x7x128; every pixel repeated to 2x2, convolution to 128; the same, convolution to 64; each with ReLU and then
    batch normalisation. Convolution to the image, tanh, which is mapped to [0, 1].

    Raises:
        ValueError: the image's sides are not multiples of 4, or ``width`` is not positive.
    """

    def __init__(self, input_dim: int, image_shape: ImageShape = (1, 28, 28), width: float = 1.0) -> None:
        super().__init__()
        h, w = quarters("keras", "the source", image_shape)
        wide, narrow = scaled(128, width), scaled(64, width)
        self.layers = nn.Sequential(
            nn.Linear(input_dim, wide * h * w),
            nn.ReLU(),
            UnflattenPixels(h, w),
            _batch_norm(wide),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(wide, wide, kernel_size=3, padding=1),
            nn.ReLU(),
            _batch_norm(wide),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(wide, narrow, kernel_size=3, padding=1),
            nn.ReLU(),
            _batch_norm(narrow),
            nn.Conv2d(narrow, image_shape[0], kernel_size=3, padding=1),
            UnitTanh(),
        )


class Trunk(TrunkLayers):
    """Images ``[B, C, H, W]`` to the features ``[B, out_features]`` that D and Q share: 2x2x512 of 28x28.

    Convolutions with stride 2 to 64, 128, 256 and 512; leaky ReLU after each, and then batch normalisation after all
    but the first. Zeros to the right and at the bottom of what the second puts out, before its leaky ReLU.

    Raises:
        ValueError: the image's sides are not multiples of 4, or ``width`` is not positive.
    """

    def __init__(self, image_shape: ImageShape = (1, 28, 28), width: float = 1.0) -> None:
        super().__init__()
        h, w = quarters("keras", "the source", image_shape)
        before = image_shape[0]
        layers: list[nn.Module] = []
        sizes = ((4 * h, 4 * w), (2 * h, 2 * w), (h + 1, w + 1), (h // 2 + 1, w // 2 + 1))
        for position, size in enumerate(sizes):
            after = scaled(64 << position, width)
            layers += _downsample(before, after, *size)
            if position == 1:
                layers.append(nn.ZeroPad2d((0, 1, 0, 1)))
            layers.append(nn.LeakyReLU(_SLOPE))
            if position > 0:
                layers.append(_batch_norm(after))
            before = after
        self.out_features = (h // 4 + 1) * (w // 4 + 1) * before
        self.layers = nn.Sequential(*layers, FlattenPixels())


class QHead(Layers):
    """Features ``[B, in_features]`` to ``[B, head_dim]``, the parameters of Q(c|x) that ``info_loss`` takes.

    FC 128 with ReLU, then a linear layer: ``info_loss`` takes logits, so the source's softmax is part of the loss.
    """

    def __init__(self, in_features: int, head_dim: int, width: float = 1.0) -> None:
        super().__init__()
        hidden = scaled(128, width)
        self.layers = nn.Sequential(nn.Linear(in_features, hidden), nn.ReLU(), nn.Linear(hidden, head_dim))


def _downsample(in_channels: int, out_channels: int, height: int, width: int) -> list[nn.Module]:
    """A 3x3 convolution with stride 2 from images ``[B, in, H, W]`` to ``[B, out, ceil(H / 2), ceil(W / 2)]``.

    With Keras's "same" padding: zeros on both sides of an odd length, after an even one alone.
    """
    around = nn.ZeroPad2d((width % 2, 1, height % 2, 1))
    return [around, nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=2)]
