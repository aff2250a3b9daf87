"""The four networks of an InfoGAN, and the architectures that they can have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from infogan_fast.nets import chairs, keras, mnist, svhn
from infogan_fast.nets.parts import ImageShape, Layers, LinearHead, QHead, TrunkLayers

Networks = Literal["mnist", "svhn", "faces", "chairs", "keras"]


class Architecture(NamedTuple):
    """How the networks are made. What each takes last is ``width``, the multiplier of every hidden channel count."""

    generator: Callable[[int, ImageShape, float], Layers]
    """From the width of G's input and the images' shape: latent variables to images in [0, 1]."""
    trunk: Callable[[ImageShape, float], TrunkLayers]
    """From the images' shape: images to the features that D and Q share."""
    head: Callable[[int, int, float], Layers]
    """From the number of features and the width of Q's output: features to the parameters of Q(c|x)."""


ARCHITECTURES: dict[Networks, Architecture] = {
    "mnist": Architecture(mnist.Generator, mnist.Trunk, QHead),
    "svhn": Architecture(svhn.Generator, svhn.Trunk, QHead),
    "faces": Architecture(svhn.Generator, svhn.Trunk, LinearHead),
    "chairs": Architecture(chairs.Generator, chairs.Trunk, LinearHead),
    "keras": Architecture(keras.Generator, keras.Trunk, keras.QHead),
}


class InfoGAN(nn.Module):
    """The four networks of an InfoGAN: G, the trunk that D and Q share, D's output layer and Q's head.

    Args:
        input_dim: width of G's input, ``LatentSpec.input_dim``.
        head_dim: width of Q's output, ``LatentSpec.head_dim(variance)``.
        image_shape: ``(channels, height, width)``.
        width: multiplier of every hidden channel count.
        seed: of the initial weights (PyTorch's default initialisation), which are drawn on the CPU whatever the
            device and leave torch's global generator as it was.
        networks: their architecture, one of ``ARCHITECTURES``.

    Raises:
        ValueError: the architecture is not for images of that shape, or ``width`` is not positive.
    """

    def __init__(
        self,
        input_dim: int,
        head_dim: int,
        image_shape: ImageShape = (1, 28, 28),
        width: float = 1.0,
        seed: int = 0,
        networks: Networks = "mnist",
    ) -> None:
        super().__init__()
        architecture = ARCHITECTURES[networks]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.generator = architecture.generator(input_dim, image_shape, width)
            self.trunk = architecture.trunk(image_shape, width)
            self.real_or_fake = nn.Linear(self.trunk.out_features, 1)
            self.head = architecture.head(self.trunk.out_features, head_dim, width)

    def discriminate(self, images: Tensor) -> Tensor:
        """D's logits ``[B, 1]``: above 0 where an image ``[B, C, H, W]`` is taken for real."""
        return self.real_or_fake(self.trunk(images))  # type: ignore[no-any-return]

    def encode(self, images: Tensor) -> Tensor:
        """Q's output ``[B, head_dim]`` for images ``[B, C, H, W]`` in [0, 1]."""
        return self.head(self.trunk(images))  # type: ignore[no-any-return]
