"""Networks for images in general."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from infogan_fast.networks import build_model
from infogan_fast.networks.images import CategoricalNetwork
from infogan_fast.networks.parts import SmoothUpsample
from infogan_fast.networks.runner import NetworkRunner, OwnOps
from infogan_fast.networks.standardise import Standardise, principal_axes
from infogan_fast.spec import LatentSpec

SPEC = LatentSpec(4, (3, 2), 2)


@pytest.mark.parametrize(
    "shape",
    [
        (1, 28, 28),
        (3, 32, 32),
        (3, 64, 64),
        (3, 128, 128),
        (1, 48, 48),
        (3, 32, 64),
        (1, 16, 20),
        (3, 36, 36),
        (1, 8, 8),
    ],
)
def test_sizes(shape):
    nets = build_model(SPEC, shape, width=0.03, networks="images").eval()
    with torch.no_grad():
        images = nets.generator(torch.randn(2, SPEC.input_dim))
        assert images.shape == (2, *shape)
        assert nets.discriminate(images).shape == (2, 1)
        assert nets.q_output(images).shape == (2, SPEC.head_dim())
    nets.check(shape)


@pytest.mark.parametrize("shape", [(3, 100, 100), (1, 34, 34), (1, 7, 8), (0, 32, 32), (1, 4, 4)])
def test_sizes_that_cannot_be(shape):
    with pytest.raises(ValueError, match="at least once"):
        build_model(SPEC, shape, width=0.03, networks="images")


def test_codes_that_are_not_there_have_no_network():
    nets = build_model(LatentSpec(4, (), 2), (1, 16, 16), width=0.03, networks="images")
    assert nets.categorical_network is None
    assert nets.q_output(torch.rand(2, 1, 16, 16)).shape == (2, 4)
    nets = build_model(LatentSpec(4, (3,), 0), (1, 16, 16), width=0.03, networks="images")
    assert nets.q_head is nets.q is None
    assert nets.q_output(torch.rand(2, 1, 16, 16)).shape == (2, 3)


def test_upsampling_is_nearest_and_a_convolution():
    layer, images = SmoothUpsample(3, 5).double(), torch.randn(2, 3, 6, 4, dtype=torch.float64)
    expected = layer.conv(F.interpolate(images, scale_factor=2, mode="nearest"))
    assert torch.allclose(layer(images), expected, atol=1e-12)
    assert torch.autograd.gradcheck(layer, (images[:1, :, :2, :2].clone().requires_grad_(),))


def test_upsampling_by_the_own_op_gives_the_same_gradients():
    layer = SmoothUpsample(4, 6)
    runner = NetworkRunner(nn.Sequential(layer), OwnOps())
    images = torch.randn(3, 4, 8, 8)
    results = []
    for call in (layer, runner):
        layer.zero_grad()
        x = images.clone().requires_grad_()
        output = call(x)
        output.square().sum().backward()
        results.append((output, x.grad, layer.conv.weight.grad.clone(), layer.conv.bias.grad.clone()))
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4)


def test_an_even_image_stays_without_checkerboard():
    """Whatever the weights, of an even image pixels of either parity are made alike, but for its edges."""
    layer = SmoothUpsample(2, 1)
    inner = layer(torch.ones(1, 2, 8, 8))[..., 2:-2, 2:-2]
    assert float(inner.detach().std()) < 1e-6


def test_standardised_images_are_the_same_whatever_the_colours():
    shape = torch.zeros(1, 1, 12, 12, dtype=torch.float64)
    shape[..., 3:8, 4:10] = 1.0
    drawn = []
    for front, ground in (((0.9, 0.2, 0.1), (0.0, 0.1, 0.1)), ((0.3, 0.9, 0.5), (0.1, 0.1, 0.2))):
        front, ground = (torch.tensor(colour, dtype=torch.float64).view(1, 3, 1, 1) for colour in (front, ground))
        drawn.append(ground + (front - ground) * shape)
    one, other = (Standardise()(images) for images in drawn)
    assert one.shape == (1, 1, 12, 12)
    assert float(one.mean().abs()) < 1e-9
    assert float(one.std(correction=0)) == pytest.approx(1.0, abs=1e-2)
    assert torch.allclose(one, other, atol=1e-2)


def test_colours_of_equal_brightness_still_make_a_shape():
    images = torch.zeros(1, 3, 8, 8, dtype=torch.float64)
    images[:, 0], images[:, 1] = 0.2, 0.6
    images[:, 0, 2:5, 2:5], images[:, 1, 2:5, 2:5] = 0.65, 0.2
    inside = Standardise()(images)[0, 0, 2:5, 2:5]
    assert float(inside.abs().min()) > 1.0


def test_flat_images_stay_flat():
    assert torch.equal(Standardise()(torch.full((2, 3, 8, 8), 0.5)), torch.zeros(2, 1, 8, 8))
    assert torch.equal(principal_axes(torch.zeros(2, 3, 4, 4)), torch.zeros(2, 3))


def test_standardising_a_grey_image_is_an_affine_map_of_it():
    images = torch.rand(4, 1, 8, 8, dtype=torch.float64)
    out = Standardise()(0.3 * images + 0.5)
    assert torch.allclose(out, Standardise()(0.9 * images), atol=0.02)


def test_the_categorical_network_sees_no_colour_where_it_is_told_to():
    network = CategoricalNetwork((3, 64, 64), 5, 0.1, standardised=True).eval()
    images = torch.rand(2, 3, 64, 64)
    grey = images.mean(1, keepdim=True).expand_as(images)
    with torch.no_grad():
        assert torch.allclose(network(grey), network(0.5 * grey + 0.2), atol=0.05)
        plain = CategoricalNetwork((3, 64, 64), 5, 0.1, standardised=False).eval()
        assert not torch.allclose(plain(grey), plain(0.5 * grey + 0.2), atol=1e-3)
