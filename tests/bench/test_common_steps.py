"""The common steps: what they compute, and that ours computes the same where the maths is the same."""

import dataclasses
import math

import pytest
import torch
from steps import make_step, named

import infogan_fast as ig
from infogan_fast.bench.common_steps import Codes, FormA, FormB, draw, gaussian_nll
from infogan_fast.bench.jobs import as_form_a
from infogan_fast.training.augment import Views
from infogan_fast.training.inputs import UpdateInputs
from infogan_fast.training.networks import build_networks
from infogan_fast.training.schedule import schedule_at

OUR_D, OUR_D_INFORMATION = "discriminator_loss", "discriminator_information_loss"
OUR_G, OUR_G_INFORMATION = "generator_loss", "generator_information_loss"
FORM_D, FORM_G, FORM_INFORMATION = range(3)

#: In nats, in float64: form A's 1e-6 under the logarithm moves the curves by 2e-7 in a hundred steps.
TOLERANCE = 1e-6


def curves(config, data, steps):
    """Our metrics by name and form A's losses ``[steps, 3]``, from equal weights, images and codes, in float64."""
    _, our_step = make_step(config, data.image_shape, torch.float64)
    theirs = build_networks(config, data.image_shape).double().train()
    rates = config.learning_rate_discriminator, config.learning_rate_generator, config.learning_rate_head
    form_a = FormA(theirs, config.spec, learning_rates=rates)
    generator = torch.Generator().manual_seed(1)
    our_losses, their_losses = [], []
    for step in range(steps):
        chosen = torch.randperm(len(data.images), generator=generator)[: config.batch_size]
        real = data.images[chosen].double() / 255.0
        latents = ig.sample_latents(config.spec, config.batch_size, torch.tensor(step), dtype=torch.float64)
        inputs = UpdateInputs(latents, Views(None, None), real, None, None, None)
        our_losses.append(our_step([inputs], schedule_at(config, step)))
        codes = Codes(latents.input, latents.categorical, latents.continuous.double())
        their_losses.append(form_a(real, codes))
    return named(our_step, torch.stack(our_losses).unbind(1)), torch.stack(their_losses)


def check_where_the_head_does_not_learn(config, data, steps):
    ours, theirs = curves(dataclasses.replace(as_form_a(config), learning_rate_head=0.0), data, steps)
    for our_term, their_term in ((OUR_D, FORM_D), (OUR_G, FORM_G), (OUR_G_INFORMATION, FORM_INFORMATION)):
        torch.testing.assert_close(ours[our_term], theirs[:, their_term], rtol=0.0, atol=TOLERANCE)
    assert (theirs[0] - theirs[-1]).abs().min() > 1e-3  # the curves are not just flat


def check_where_only_the_head_learns(config, data, steps):
    still = {"learning_rate_discriminator": 0.0, "learning_rate_generator": 0.0, "learning_rate_head": 1e-3}
    ours, theirs = curves(dataclasses.replace(as_form_a(config), **still), data, steps)
    torch.testing.assert_close(ours[OUR_D_INFORMATION], theirs[:, FORM_INFORMATION], rtol=0.0, atol=TOLERANCE)


def test_the_first_losses_are_those_of_form_a(config, data):
    check_where_the_head_does_not_learn(config, data, 10)
    check_where_only_the_head_learns(config, data, 10)


@pytest.mark.slow
def test_the_first_hundred_losses_are_those_of_form_a(config, data):
    check_where_the_head_does_not_learn(config, data, 100)
    check_where_only_the_head_learns(config, data, 100)


@pytest.mark.parametrize("steps", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_with_everything_learning_the_curves_stay_close(config, data, steps):
    ours, theirs = curves(as_form_a(config), data, steps)  # our Q learns in D's update, form A's in G's
    for our_term, their_term in ((OUR_D, FORM_D), (OUR_G, FORM_G), (OUR_G_INFORMATION, FORM_INFORMATION)):
        torch.testing.assert_close(ours[our_term], theirs[:, their_term], rtol=0.0, atol=5e-4 * steps)


@pytest.mark.slow
@pytest.mark.parametrize("form", [FormA, FormB])
def test_a_compiled_form_computes_what_the_eager_one_does(config, data, form):
    config = dataclasses.replace(config, variance="learned")
    real = data.images[:16].float() / 255.0
    losses = []
    for compile in (False, True):
        torch.manual_seed(0)
        nets = build_networks(config, data.image_shape).train()
        step = form(nets, config.spec, compile=compile)
        codes = [draw(config.spec, 16, torch.device("cpu")) for _ in range(3)]
        losses.append(torch.stack([step(real, one) for one in codes]))
    torch.testing.assert_close(*losses, rtol=1e-3, atol=1e-3)
    assert (losses[0][0] != losses[0][2]).all()  # the optimisers' updates were made


class Calls:
    """Counts the calls of modules."""

    def __init__(self, *modules):
        self.counts = dict.fromkeys(modules, 0)
        for module in modules:
            module.register_forward_hook(self.count)

    def count(self, module, inputs, output):
        self.counts[module] += 1


@pytest.mark.parametrize(("form", "of_generator", "of_trunk"), [(FormA, 1, 3), (FormB, 2, 4)])
def test_forward_passes_of_a_step(config, data, form, of_generator, of_trunk):
    nets = build_networks(dataclasses.replace(config, variance="learned"), data.image_shape).train()
    calls = Calls(nets.generator, nets.trunk)
    before = [parameter.clone() for parameter in nets.parameters()]
    losses = form(nets, config.spec)(data.images[:16].float() / 255.0)
    assert list(calls.counts.values()) == [of_generator, of_trunk]
    assert losses.shape == (3,)
    assert losses.isfinite().all()
    assert not losses.requires_grad
    assert all((old != new).any() for old, new in zip(before, nets.parameters(), strict=True) if new.numel() > 20)


def test_form_a_leaves_the_trunk_a_gradient_that_nobody_uses(config, data):
    nets = build_networks(dataclasses.replace(config, variance="learned"), data.image_shape).train()
    FormA(nets, config.spec)(data.images[:16].float() / 255.0)
    assert all(parameter.grad is not None for parameter in nets.trunk.parameters())


def test_the_floor_of_form_bs_cross_entropy():
    logits = torch.tensor([[1e4] + [0.0] * 9])
    loss = torch.nn.functional.cross_entropy(logits.softmax(1), torch.tensor([0]))
    assert loss.item() == pytest.approx(1.461, abs=1e-3)


def test_gaussian_nll_is_that_of_the_package_but_for_its_epsilon():
    mean, log_variance, value = torch.randn(3, 5, 2, dtype=torch.float64).unbind()
    expected = torch.nn.functional.gaussian_nll_loss(mean, value, log_variance.exp(), full=True, reduction="none")
    got = gaussian_nll(value, mean, log_variance)
    assert got.item() == pytest.approx(expected.sum(1).mean().item(), rel=1e-4)
    floor = gaussian_nll(mean, mean, torch.full_like(mean, -200.0)) / 2
    assert floor.item() == pytest.approx(0.5 * math.log(1e-6))


def test_drawn_codes():
    spec = ig.LatentSpec(4, (3, 5), 2)
    codes = draw(spec, 7, torch.device("cpu"))
    assert codes.input.shape == (7, spec.input_dim)
    assert codes.categorical.shape == (7, 2)
    assert codes.continuous.shape == (7, 2)
    assert (codes.input[:, 4:7].argmax(1) == codes.categorical[:, 0]).all()
    assert codes.continuous.abs().max() <= 1.0
    assert draw(ig.LatentSpec(4, (), 2), 7, torch.device("cpu")).input.shape == (7, 6)


@pytest.mark.parametrize("form", [FormA, FormB])
@pytest.mark.parametrize("categorical", [(3, 5), ()])
def test_on_another_device_nothing_is_left_on_the_cpu_or_read_back(config, data, form, categorical):
    config = dataclasses.replace(config, variance="learned", categorical=categorical)
    nets = build_networks(config, data.image_shape).to("meta").train()
    step = form(nets, config.spec)
    for _ in range(2):
        assert step(torch.empty(16, 1, 8, 8, device="meta")).device.type == "meta"
