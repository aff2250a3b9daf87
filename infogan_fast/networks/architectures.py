"""The built-in architectures, and the model of one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import nn

from infogan_fast.model import InfoGAN
from infogan_fast.networks import chairs, images, keras, mnist, svhn
from infogan_fast.networks.parts import ImageShape, Layers, LinearHead, QHead, TrunkLayers
from infogan_fast.spec import LatentSpec, Variance

Networks = Literal["mnist", "svhn", "faces", "chairs", "keras", "images"]


class Architecture(NamedTuple):
    """How the networks are made. What each takes last is ``width``, the multiplier of every hidden channel count."""

    generator: Callable[[int, ImageShape, float], Layers]
    """Makes G, from latent variables to images in [0, 1], of the width of its input and the images' shape."""
    trunk: Callable[[ImageShape, float], TrunkLayers]
    """Makes the trunk, from images to the features that D and Q share, of the images' shape."""
    q_head: Callable[[int, int, float], Layers]
    """Makes Q's head, from features to the parameters of Q(c|x), of their number and the width of Q's output."""
    categorical_network: Callable[[ImageShape, int, float, bool], nn.Module] | None = None
    """Makes what reads the categorical codes beside Q's head, from images to logits, of the images' shape, the number
    of logits, the width, and whether colour, brightness and contrast are to mean nothing."""


ARCHITECTURES: dict[Networks, Architecture] = {
    "mnist": Architecture(mnist.Generator, mnist.Trunk, QHead),
    "svhn": Architecture(svhn.Generator, svhn.Trunk, QHead),
    "faces": Architecture(svhn.Generator, svhn.Trunk, LinearHead),
    "chairs": Architecture(chairs.Generator, chairs.Trunk, LinearHead),
    "keras": Architecture(keras.Generator, keras.Trunk, keras.QHead),
    "images": Architecture(images.Generator, images.Trunk, images.ContinuousHead, images.CategoricalNetwork),
}


def build_model(
    spec: LatentSpec,
    image_shape: ImageShape = (1, 28, 28),
    *,
    variance: Variance = "learned",
    width: float = 1.0,
    seed: int = 0,
    networks: Networks = "mnist",
    standardised: bool = False,
    conditional: bool = False,
) -> InfoGAN:
    """An InfoGAN of one of the built-in architectures.

    Args:
        spec: the latent variables.
        image_shape: ``(channels, height, width)``.
        variance: of Q's Gaussians, as in ``info_loss``.
        width: multiplier of every hidden channel count.
        seed: of the initial weights (PyTorch's default initialisation), which are drawn on the CPU whatever the
            device and leave torch's global generator as it was.
        networks: their architecture, one of ``ARCHITECTURES``.
        standardised: whether a network of its own for the categorical codes sees images without colour, brightness and
            contrast; architectures without such a network are the same.
        conditional: whether D judges an image together with its categories, ``InfoGAN.projection``; likewise.

    Raises:
        ValueError: the architecture is not for images of that shape, or ``width`` is not positive.
    """
    architecture = ARCHITECTURES[networks]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        generator = architecture.generator(spec.input_dim, image_shape, width)
        trunk = architecture.trunk(image_shape, width)
        columns, categories, categorical_network = spec.head_dim(variance), sum(spec.categorical), None
        if architecture.categorical_network is not None and categories > 0:
            categorical_network = architecture.categorical_network(image_shape, categories, width, standardised)
            columns -= categories
        conditional = conditional and categorical_network is not None
        return InfoGAN(
            spec,
            generator=generator,
            trunk=trunk,
            discriminator_head=nn.Linear(trunk.out_features, 1),
            q_head=architecture.q_head(trunk.out_features, columns, width) if columns > 0 else None,
            categorical_network=categorical_network,
            projection=nn.Linear(trunk.out_features, categories, bias=False) if conditional else None,
            variance=variance,
        )
