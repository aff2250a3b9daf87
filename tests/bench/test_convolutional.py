"""The networks of convolutions only: that they compute what the fully connected ones do."""

import copy
import dataclasses

import pytest
import torch
from torch import nn

import infogan_fast as ig
from infogan_fast.bench.common_steps import Codes, FormA
from infogan_fast.bench.convolutional import as_convolutions
from infogan_fast.bench.jobs import channel_by_channel
from infogan_fast.training.networks import build_networks


@pytest.fixture(params=[(1, 8, 8), (1, 28, 28), (3, 8, 12)], ids=str)
def pair(request, config):
    """Networks of fully connected layers and the same of convolutions, float64, with batch norms of random weights."""
    config = dataclasses.replace(config, variance="learned")
    nets = channel_by_channel(build_networks(config, request.param)).double().train()
    generator = torch.Generator().manual_seed(1)
    for layer in nets.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.weight.data.copy_(torch.rand(layer.weight.shape, generator=generator) + 0.5)
            layer.bias.data.copy_(torch.randn(layer.bias.shape, generator=generator))
    return nets, as_convolutions(nets), request.param


def gradients(nets):
    """By the names of the layers' weights, in the order of the layers, without the biases that make no difference."""
    return [
        parameter.grad.flatten()
        for network in (nets.generator, nets.trunk, nets.discriminator_head, nets.q)
        for parameter in network.parameters()
        if parameter.grad.abs().max() > 1e-12
    ]


def codes_of(config, seed):
    latents = ig.sample_latents(config.spec, config.batch_size, torch.tensor(seed), dtype=torch.float64)
    return Codes(latents.input, latents.categorical, latents.continuous.double())


def test_there_are_no_fully_connected_layers(pair):
    _, nets, (_, height, width) = pair
    assert not any(isinstance(layer, nn.Linear) for layer in nets.modules())
    products = [layer for layer in nets.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    small = (height // 4, width // 4)
    assert [layer.kernel_size for layer in products] == [
        *((1, 1), small, (4, 4), (4, 4)),
        *((4, 4), (4, 4), small),
        (1, 1),
        *((1, 1), (1, 1)),
    ]
    assert [layer.bias is not None for layer in products] == [
        *(False, False, False, True),
        *(True, False, False),
        True,
        *(False, True),
    ]


def test_function_and_gradients_are_those_of_the_fully_connected_networks(pair, config):
    results = []
    for nets in pair[:2]:
        generator = torch.Generator().manual_seed(0)
        latents = torch.randn(16, config.spec.input_dim, generator=generator, dtype=torch.float64, requires_grad=True)
        images = nets.generator(latents)
        features = nets.trunk(images)
        logits, head = nets.discriminator_head(features), nets.q(features)
        (logits.square().sum() + head.sin().sum() + images.square().sum()).backward()
        results.append((images, logits, head, latents.grad, gradients(nets)))
    (*ours, our_gradients), (*theirs, their_gradients) = results
    assert ours[0].shape == (16, *pair[2])
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)
    for one, other in zip(our_gradients, their_gradients, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one.sort().values, other.sort().values, rtol=1e-8, atol=1e-10)


def test_the_step_of_form_a_computes_the_same_on_them(pair, config):
    real = torch.rand(3, 16, *pair[2], dtype=torch.float64)
    losses = []
    for nets in pair[:2]:
        step = FormA(nets, config.spec)
        step.generator_optimizer.param_groups[0]["eps"] = 1e-3  # else Adam makes much of gradients that are rounding
        step.discriminator_optimizer.param_groups[0]["eps"] = 1e-3
        losses.append(torch.stack([step(images, codes_of(config, number)) for number, images in enumerate(real)]))
    torch.testing.assert_close(*losses, rtol=1e-6, atol=1e-6)
    assert (losses[0][0] != losses[0][2]).all()


def test_the_original_is_left_as_it_is(pair):
    nets, converted, _ = pair
    before = copy.deepcopy(nets.state_dict())
    for parameter in converted.parameters():
        parameter.data.zero_()
    for buffer in converted.buffers():
        buffer.zero_()
    assert all(torch.equal(value, before[name]) for name, value in nets.state_dict().items())
