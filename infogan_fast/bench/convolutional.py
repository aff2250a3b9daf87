"""The MNIST networks with every fully connected layer written as a convolution, as the most used PyTorch InfoGAN does.

Its generator begins with transposed convolutions of 1x1 and 7x7 kernels on images of one pixel, its trunk ends with a
7x7 convolution, and its heads are 1x1 convolutions. PyTorch computes all of them in oneDNN on a CPU, where it computes
``nn.Linear`` in BLAS.
"""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor, nn

from infogan_fast.model import InfoGAN
from infogan_fast.networks.parts import Layers

_ONE_PIXEL = (1, 1)


def as_convolutions(nets: InfoGAN) -> InfoGAN:
    """The same networks, of convolutions only.

    In training mode they compute the same, up to rounding. A layer before a batch normalisation has no bias, which that
    would subtract again. Batch normalisation is that of the original: in G one mean for each of the 7x7 pixels of a
    channel, where the most used implementation has one for the channel.

    Args:
        nets: the networks of ``infogan_fast.networks.mnist``, with ``nn.Flatten`` and ``nn.Unflatten`` between rows and
            images. They are left as they are.

    Returns:
        Networks that take and give rows and images of the same shapes, with weights of their own.
    """
    generator = _layers(nets.generator)
    flat = next(position for position, layer in enumerate(generator) if isinstance(layer, nn.Unflatten))
    unflatten = generator[flat]
    assert isinstance(unflatten, nn.Unflatten)
    _, height, width = unflatten.unflattened_size
    size = int(height), int(width)
    assert nets.q_head is not None
    return InfoGAN(
        nets.spec,
        generator=_without_lost_biases(_generator(generator[:flat], generator[flat + 1 :], size)),
        trunk=_without_lost_biases(_trunk(_layers(nets.trunk), size)),
        discriminator_head=_without_lost_biases(_head(_layers(nets.discriminator_head))),
        q_head=_without_lost_biases(_head(_layers(nets.q_head))),
        variance=nets.variance,
    )


def _layers(network: nn.Module) -> list[nn.Module]:
    return list(network.layers) if isinstance(network, Layers) else [network]


def _generator(rows: list[nn.Module], images: list[nn.Module], size: tuple[int, int]) -> list[nn.Module]:
    """G, of which the last fully connected layer makes images of this size."""
    last = max(position for position, layer in enumerate(rows) if isinstance(layer, nn.Linear))
    converted: list[nn.Module] = [nn.Unflatten(1, (-1, *_ONE_PIXEL))]
    for position, layer in enumerate(rows):
        if isinstance(layer, nn.Linear):
            converted.append(_transposed(layer, size if position == last else _ONE_PIXEL))
        elif isinstance(layer, nn.BatchNorm1d) and position > last:
            unflatten = nn.Unflatten(1, (-1, *size))
            converted.append(nn.Sequential(nn.Flatten(), copy.deepcopy(layer), unflatten))
        else:
            converted.append(_of_pixels(layer))
    return converted + [_of_pixels(layer) for layer in images]


def _trunk(layers: list[nn.Module], size: tuple[int, int]) -> list[nn.Module]:
    """The trunk, whose first fully connected layer takes images of this size; its features are images of a pixel."""
    flat = next(position for position, layer in enumerate(layers) if isinstance(layer, nn.Flatten))
    converted = [_of_pixels(layer) for layer in layers[:flat]]
    for layer in layers[flat + 1 :]:
        converted.append(_convolution(layer, size) if isinstance(layer, nn.Linear) else _of_pixels(layer))
        size = _ONE_PIXEL if isinstance(layer, nn.Linear) else size
    return converted


def _head(layers: list[nn.Module]) -> list[nn.Module]:
    return [*(_of_pixels(layer) for layer in layers), nn.Flatten()]


def _of_pixels(layer: nn.Module) -> nn.Module:
    """A layer of its own that does to images of one pixel what this one does to rows; of one on images a copy."""
    if isinstance(layer, nn.Linear):
        return _convolution(layer, _ONE_PIXEL)
    return _as_batch_norm_2d(layer) if isinstance(layer, nn.BatchNorm1d) else copy.deepcopy(layer)


def _convolution(layer: nn.Linear, size: tuple[int, int]) -> nn.Module:
    """A convolution whose kernel is as large as the images, of which it makes one pixel."""
    made = nn.Conv2d(layer.in_features // (size[0] * size[1]), layer.out_features, size).to(layer.weight)
    return _filled(made, layer.weight, layer.bias)


def _transposed(layer: nn.Linear, size: tuple[int, int]) -> nn.Module:
    """A transposed convolution that makes images of this size of one pixel.

    It has one bias for a channel, so it can have none where the images are larger than a pixel.
    """
    made = nn.ConvTranspose2d(layer.in_features, layer.out_features // (size[0] * size[1]), size).to(layer.weight)
    return _filled(made, layer.weight.t(), layer.bias if size == _ONE_PIXEL else None)


def _filled(layer: nn.Conv2d | nn.ConvTranspose2d, weight: Tensor, bias: Tensor | None) -> nn.Module:
    with torch.no_grad():
        layer.weight.copy_(weight.reshape(layer.weight.shape))
        if bias is None:
            layer.bias = None
        else:
            assert layer.bias is not None
            layer.bias.copy_(bias)
    return layer


def _as_batch_norm_2d(layer: nn.BatchNorm1d) -> nn.Module:
    made = nn.BatchNorm2d(layer.num_features, layer.eps, layer.momentum).to(layer.weight)
    made.load_state_dict(layer.state_dict())
    return made


def _without_lost_biases(layers: list[nn.Module]) -> nn.Sequential:
    """The layers in sequence, without the biases that a batch normalisation subtracts again."""
    for layer, following in itertools.pairwise(layers):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and isinstance(following, nn.BatchNorm2d):
            layer.bias = None
    return nn.Sequential(*layers)
