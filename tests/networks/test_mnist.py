"""The networks against the paper's table for MNIST, and the range of what they put out."""

import hashlib

import pytest
import torch
from torch import nn

from infogan_fast.networks import build_model
from infogan_fast.networks.parts import scaled
from infogan_fast.spec import LatentSpec

PAPER = LatentSpec(noise=62, categorical=(10,), continuous=2)
SMALL = LatentSpec(noise=1, categorical=(4,))

KINDS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.LeakyReLU, nn.Sigmoid)


def layers(module):
    return [layer for layer in module.modules() if isinstance(layer, KINDS)]


def sizes(module):
    """Shape of the weights of each linear layer and convolution."""
    return [tuple(layer.weight.shape) for layer in layers(module) if isinstance(layer, KINDS[:3])]


def names(module):
    return [type(layer).__name__ for layer in layers(module)]


@pytest.fixture(scope="module")
def nets():
    return build_model(PAPER, variance=1.0).eval()


def test_generator_is_that_of_the_paper(nets):
    assert sizes(nets.generator) == [(1024, 74), (128 * 7 * 7, 1024), (128, 64, 4, 4), (64, 1, 4, 4)]
    full, up = ["Linear", "BatchNorm1d", "ReLU"], ["ConvTranspose2d", "BatchNorm2d", "ReLU"]
    assert names(nets.generator) == [*full, *full, *up, "ConvTranspose2d", "Sigmoid"]


def test_trunk_and_outputs_are_those_of_the_paper(nets):
    assert sizes(nets.trunk) == [(64, 1, 4, 4), (128, 64, 4, 4), (1024, 128 * 7 * 7)]
    assert names(nets.trunk) == [
        *("Conv2d", "LeakyReLU"),
        *("Conv2d", "BatchNorm2d", "LeakyReLU"),
        *("Linear", "BatchNorm1d", "LeakyReLU"),
    ]
    assert sizes(nets.q_head) == [(128, 1024), (12, 128)]
    assert names(nets.q_head) == ["Linear", "BatchNorm1d", "LeakyReLU", "Linear"]
    assert sizes(nets.discriminator_head) == [(1, 1024)]


def test_strides_and_slopes(nets):
    for layer in layers(nets):
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            assert (layer.stride, layer.padding) == ((2, 2), (1, 1))
        if isinstance(layer, nn.LeakyReLU):
            assert layer.negative_slope == 0.1


def test_number_of_parameters(nets):
    def count(module):
        return sum(parameter.numel() for parameter in module.parameters())

    # Weights and biases, and two numbers per channel that is normalised.
    assert count(nets.generator) == (75 * 1024 + 2 * 1024) + (1025 * 6272 + 2 * 6272) + (131136 + 2 * 64) + 1025
    assert count(nets.trunk) == (16 * 64 + 64) + (16 * 64 * 128 + 128 + 2 * 128) + (6273 * 1024 + 2 * 1024)
    assert count(nets.q_head) == (1025 * 128 + 2 * 128) + 129 * 12
    assert count(nets.discriminator_head) == 1025


def test_outputs(nets):
    with torch.no_grad():
        images = nets.generator(1000.0 * torch.randn(64, 74, generator=torch.Generator().manual_seed(0)))
        assert images.shape == (64, 1, 28, 28)
        assert 0.0 <= float(images.min()) < 0.1
        assert 0.9 < float(images.max()) <= 1.0
        assert nets.discriminate(images).shape == (64, 1)
        assert nets.q_output(images).shape == (64, 12)


def test_width_scales_every_hidden_layer():
    nets = build_model(PAPER, (3, 8, 12), variance=1.0, width=0.25)
    assert sizes(nets.generator) == [(256, 74), (32 * 2 * 3, 256), (32, 16, 4, 4), (16, 3, 4, 4)]
    assert sizes(nets.trunk) == [(16, 3, 4, 4), (32, 16, 4, 4), (256, 32 * 2 * 3)]
    assert sizes(nets.q_head) == [(32, 256), (12, 32)]
    assert scaled(64, 0.001) == 1


def test_initial_weights_are_those_of_the_seed_and_leave_the_global_generator():
    state = torch.get_rng_state()
    first, same, other = (
        build_model(SMALL, (1, 8, 8), width=0.05, seed=seed).q_head.layers[0].weight for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (0.25, "c400af18199d300ccf8e7c3d548210daa305c8f72dcdf1c24e110aa1472be997"),
        (1.0, "7f89bef8be0e6ba3b4ed571fe23a10a7aaac42a1fcaf37b5979c6fa8ad9c7dae"),
    ],
)
def test_initial_weights_are_those_of_the_committed_results(width, expected):
    """Names, order and bits of the default networks of seed 0, as they were when their results were measured."""
    digest = hashlib.sha256()
    for name, tensor in build_model(PAPER, variance=1.0, width=width).state_dict().items():
        name = name.replace("discriminator_head", "real_or_fake").replace("q_head", "head")  # as they were called
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    assert digest.hexdigest() == expected


@pytest.mark.parametrize("width", [0.0, -1.0, float("inf"), float("nan")])
def test_wrong_width(width):
    with pytest.raises(ValueError, match="width must be a positive finite number"):
        build_model(SMALL, width=width)
