"""The training step: who gets which gradient, and what it returns."""

import dataclasses
import itertools

import pytest
import torch

import infogan_fast as ig
from infogan_fast.objectives import discriminator_loss, generator_loss
from infogan_fast.training.networks import build_networks
from infogan_fast.training.randomness import RandomViews
from infogan_fast.training.schedule import Schedule, schedule_at
from infogan_fast.training.step import LOSS_TERMS, TrainingStep, frozen
from infogan_fast.training.views import FAKE_FOR_DISCRIMINATOR, FAKE_FOR_GENERATOR, REAL, VIEWS, Views

PARTS = ("generator", "head", "trunk")
PRECISIONS = ("float32", "bfloat16")


def make_step(config, side=8):
    nets = build_networks(config, (1, side, side)).train()
    return nets, TrainingStep(nets, config)


def batch(config, side=8):
    latents = ig.sample_latents(config.spec, config.batch_size, torch.tensor(1))
    images = torch.rand(config.batch_size, 1, side, side, generator=torch.Generator().manual_seed(0))
    return images, latents, Views(None, torch.zeros(VIEWS, config.batch_size, 1, side, side))


@pytest.mark.parametrize("parts", [c for n in range(4) for c in itertools.combinations(PARTS, n)])
def test_information_gradient_reaches_exactly_the_named_parts(make_config, parts):
    config = make_config(information_gradient=parts)
    nets, step = make_step(config)
    images, latents, views = batch(config)
    fake = nets.generator(latents.input)
    d_information = step.discriminator_losses(images, fake.detach(), latents, views)[1]
    if d_information.requires_grad:
        d_information.backward()
    with frozen([*nets.trunk.parameters(), *nets.real_or_fake.parameters(), *nets.head.parameters()]):
        g_information = step.generator_losses(fake, latents, views)[1]
        if g_information.requires_grad:
            g_information.backward()
    reached = {
        name
        for name, module in nets.named_children()
        if any(p.grad is not None and bool(p.grad.any()) for p in module.parameters())
    }
    assert reached == set(parts)


@pytest.mark.parametrize("parts", [PARTS, ("generator",), ()])
def test_what_a_step_changes(make_config, parts):
    config = make_config(information_gradient=parts)
    nets, step = make_step(config)
    before = {name: p.detach().clone() for name, p in nets.named_parameters()}
    step(*batch(config), Schedule(1.0, 1.0))
    changed = {name.split(".")[0] for name, p in nets.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"generator", "trunk", "real_or_fake"} | ({"head"} & set(parts))


def test_players_do_not_train_each_other(make_config):
    config = make_config(learning_rate_discriminator=0.0, learning_rate_head=0.0)
    nets, step = make_step(config)
    before = {name: p.detach().clone() for name, p in nets.named_parameters()}
    step(*batch(config), Schedule(1.0, 1.0))
    assert {n.split(".")[0] for n, p in nets.named_parameters() if not torch.equal(p, before[n])} == {"generator"}
    assert all(p.requires_grad for p in nets.parameters())


def test_terms(make_config):
    config = make_config(categorical_weight=2.0, continuous_weight=0.5, variance=1.0)
    _, step = make_step(config)
    images, latents, views = batch(config)
    reference, _ = make_step(config)  # the same initial weights
    with torch.no_grad():
        fake = reference.generator(latents.input)
        features = reference.trunk(fake)
        head = reference.head(features)
        loss, nll = ig.reference.info_loss(head, latents, config.spec, 2.0, 0.125, 1.0, return_terms=True)
        logits = reference.real_or_fake(features)
        adversarial = discriminator_loss(reference.discriminate(images), logits)
    terms = step(images, latents, views, Schedule(0.0, 0.25))
    assert terms.shape == (len(LOSS_TERMS) + 3,)
    assert not terms.requires_grad
    nothing = torch.zeros(())  # of the term on real images
    expected = torch.stack((adversarial, loss, generator_loss(logits), loss, head.abs().max(), nothing, *nll))
    torch.testing.assert_close(terms, expected, rtol=1e-4, atol=1e-5)


def test_gan_losses():
    logits = torch.tensor([[0.0], [0.0]])
    assert float(discriminator_loss(logits, logits)) == pytest.approx(2 * 0.6931472)
    assert float(generator_loss(logits)) == pytest.approx(0.6931472)
    certain = torch.tensor([[200.0]])
    assert float(discriminator_loss(certain, -certain)) == 0.0
    assert float(generator_loss(-certain)) == 200.0


def test_learning_rates_fall_at_the_end(make_config):
    def rates(decay_from):
        return [schedule_at(make_config(steps=10, decay_from=decay_from), step).learning_rate for step in (0, 5, 6, 9)]

    assert rates(0.5) == pytest.approx([1.0, 1.0, 0.8, 0.2])
    assert rates(1.0) == [1.0] * 4
    assert rates(0.0) == pytest.approx([1.0, 0.5, 0.4, 0.1])


def test_continuous_codes_join_gradually(make_config):
    def weights(first, full):
        config = make_config(steps=10, continuous_from=first, continuous_full=full)
        return [schedule_at(config, step).continuous_weight for step in (0, 2, 3, 4, 9)]

    assert weights(0.2, 0.4) == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])
    assert weights(0.0, 0.0) == [1.0] * 5
    assert weights(0.3, 0.3) == [0.0, 0.0, 1.0, 1.0, 1.0]
    assert weights(0.0, 1.0) == pytest.approx([0.0, 0.2, 0.3, 0.4, 0.9])


def test_without_categorical_codes_the_continuous_ones_count_from_the_first_step(make_config):
    config = make_config(categorical=(), continuous_from=0.5, continuous_full=1.0)
    assert schedule_at(config, 0).continuous_weight == 1.0


def test_each_pass_of_the_trunk_has_a_view_of_its_own(make_config):
    config, seen = make_config(), []

    class Spy:
        def see(self, images, *views):
            seen.extend(views)
            return images

    _, step = make_step(config)
    images, latents, _ = batch(config)
    step(images, latents, Spy(), Schedule(1.0, 1.0))
    assert seen == [REAL, FAKE_FOR_DISCRIMINATOR, FAKE_FOR_GENERATOR]
    assert len(set(seen)) == VIEWS


@pytest.mark.slow
def test_compiled_step_agrees_and_does_not_recompile(make_config):
    config = make_config()
    _, eager = make_step(config)
    _, compiled = make_step(make_config(compile=True))
    images, _, views = batch(config)
    seed = torch.tensor(0)
    for number in range(4):
        with torch._dynamo.config.patch(error_on_recompile=number > 0):
            latents = ig.sample_latents(config.spec, config.batch_size, seed.fill_(number))
            schedule = Schedule(1.0 - number / 4, number / 4)
            expected = eager(images, latents, views, schedule)
            torch.testing.assert_close(compiled(images, latents, views, schedule), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("networks", ["faces", "chairs", "keras"])
def test_compiled_step_of_other_architectures(make_config, networks):
    config = make_config(networks=networks)
    images, latents, views = batch(config, 16)
    (_, eager), (_, compiled) = (make_step(dataclasses.replace(config, compile=c), 16) for c in (False, True))
    for _ in range(2):
        terms = [step(images, latents, views, Schedule(1.0, 1.0)) for step in (eager, compiled)]
        torch.testing.assert_close(*terms, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("parts", [PARTS, ()])
def test_bfloat16_is_close_to_float32(make_config, parts):
    """Autocast rounds activations to 8 bits; the first step's losses say the same nevertheless."""
    steps = [make_step(make_config(precision=precision, information_gradient=parts)) for precision in PRECISIONS]
    (_, wide), (narrow_nets, narrow) = steps
    images, latents, _ = batch(make_config())
    views = RandomViews(make_config(), torch.device("cpu"), images.shape)(0)
    expected, rounded = (step(images, latents, views, Schedule(1.0, 1.0)) for step in (wide, narrow))
    assert views.points is not None
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, expected, rtol=0.05, atol=0.03)
    assert not torch.equal(rounded, expected)
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in narrow_nets.parameters())
