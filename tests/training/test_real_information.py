"""The term on real images in the training step."""

import itertools

import pytest
import torch

import infogan_fast as ig
from infogan_fast.data import ImageData
from infogan_fast.nets.layer_runner import LayerRunner
from infogan_fast.objectives import discriminator_loss, invariant_information
from infogan_fast.training import step as step_module
from infogan_fast.training.networks import build_networks
from infogan_fast.training.randomness import RandomViews
from infogan_fast.training.run_folder import RunFolder
from infogan_fast.training.schedule import Schedule
from infogan_fast.training.step import LOSS_TERMS, TrainingStep
from infogan_fast.training.trainer import Trainer
from infogan_fast.training.views import REAL

PARTS = ("generator", "head", "trunk")
TERM = LOSS_TERMS.index("real_information")
CPU = torch.device("cpu")


def in_double(views):
    return None if views is None else type(views)(*(None if t is None else t.double() for t in views))


def parts_of(config, dtype=torch.float64, side=8):
    """Networks, step and what it takes: images, latent variables, views, and the other view of the real images."""
    nets = build_networks(config, (1, side, side)).to(dtype).train()
    step = TrainingStep(nets, config)
    latents = ig.sample_latents(config.spec, config.batch_size, torch.tensor(1), dtype=dtype)
    images = torch.rand(config.batch_size, 1, side, side, generator=torch.Generator().manual_seed(0)).to(dtype)
    random_views = RandomViews(config, CPU, images.shape)
    views, again = random_views(0), random_views.again
    if dtype == torch.float64:
        views, again = in_double(views), in_double(again)
    return nets, step, images, latents, views, again


@pytest.mark.parametrize("parts", [c for n in range(4) for c in itertools.combinations(PARTS, n)])
def test_reaches_the_parts_of_d_and_q_that_are_named(make_config, parts):
    nets, step, images, latents, views, again = parts_of(make_config(information_gradient=parts, real_information=1.0))
    fake = nets.generator(latents.input).detach()
    information = step.discriminator_losses(images, fake, latents, views, again)[-1]
    if information.requires_grad:
        information.backward()
    reached = {
        name
        for name, module in nets.named_children()
        if any(p.grad is not None and bool(p.grad.any()) for p in module.parameters())
    }
    assert reached == set(parts) - {"generator"}


def test_is_of_two_views_each_normalised_by_its_own_statistics(make_config):
    config = make_config(real_information=1.0, categorical=(3, 5))
    _, step, images, latents, views, again = parts_of(config)
    reference = parts_of(config)[0]  # the same initial weights
    with torch.no_grad():
        heads = [reference.head(reference.trunk(seen)) for seen in (views.see(images, REAL), again.see(images, 0))]
        expected = sum(
            invariant_information(*(head[:, columns] for head in heads)) for columns in (slice(0, 3), slice(3, 8))
        )
        fake = reference.generator(latents.input)
        logits = [reference.discriminate(views.see(batch, view)) for batch, view in ((images, 0), (fake, 1))]
    terms = step(images, latents, views, Schedule(0.0, 1.0), again)
    assert float(terms[TERM]) == pytest.approx(float(expected), rel=1e-9)
    assert 0.0 < float(terms[TERM]) < float(sum(config.spec.entropy()[:2]))
    assert float(terms[0]) == pytest.approx(float(discriminator_loss(*logits)), rel=1e-9)


def gradients(make_config, weight, seen=True):
    """Of D's update: by name, without an optimiser's step."""
    nets, step, images, latents, views, again = parts_of(make_config(real_information=1.0))
    fake = nets.generator(latents.input).detach()
    game, information, *_, real_information = step.discriminator_losses(
        images, fake, latents, views, again if seen else None
    )
    (game + information - weight * real_information).backward()
    return {name: p.grad for name, p in nets.named_parameters() if p.grad is not None}


def test_weight_zero_is_d_without_the_term(make_config):
    """But for the last bits, and for the trunk's third batch and the head's other two, which touch no gradient."""
    plain, zero = gradients(make_config, 0.0, seen=False), gradients(make_config, 0.0)
    assert plain.keys() == zero.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(zero[name], gradient, rtol=1e-9, atol=1e-12, msg=name)


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_the_step_maximises_it_with_its_weight(make_config, weight):
    config = make_config(real_information=weight)
    nets, step, images, latents, views, again = parts_of(config)
    kept = {}
    step.discriminator_optimizer.step = lambda: kept.update(
        {name: p.grad.clone() for name, p in nets.named_parameters() if p.grad is not None}
    )
    step(images, latents, views, Schedule(1.0, 1.0), again)
    expected = gradients(make_config, weight)
    assert kept.keys() == expected.keys()
    assert any(not torch.allclose(g, expected[name]) for name, g in gradients(make_config, 0.0).items())
    for name, gradient in expected.items():
        torch.testing.assert_close(kept[name], gradient, rtol=1e-9, atol=1e-12, msg=name)


def test_training_with_it_raises_it(make_config, tmp_path):
    brightness = torch.tensor([25, 115, 230], dtype=torch.uint8).repeat(10)
    data = ImageData("dark, grey and bright", brightness[:, None, None, None].expand(-1, 1, 8, 8).contiguous())

    def last(weight):
        config = make_config(
            real_information=weight, steps=120, log_every=40, checkpoint_every=1000, width=0.2, instance_noise=0.05
        )
        lines = []
        trainer = Trainer(config, data, RunFolder(tmp_path / str(weight)))
        (tmp_path / str(weight)).mkdir()
        trainer.run(type("Lines", (), {"update": staticmethod(lines.append)}))
        return lines[-1].losses["real_information"]

    assert last(0.0) == 0.0
    assert last(1.0) > 0.6 > 0.2 > last(1e-6)  # of log 3 = 1.1


def test_own_layers_train_as_those_of_pytorch_do(make_config, monkeypatch):
    def losses(own_ops):
        with monkeypatch.context() as patch:
            patch.setattr(step_module, "LayerRunner", lambda layers, _: LayerRunner(layers, own_ops))
            _, step, images, latents, views, again = parts_of(make_config(real_information=1.0, width=0.1))
        return torch.stack([step(images, latents, views, Schedule(1.0, 0.5), again) for _ in range(20)])

    common, own = losses(False), losses(True)
    assert float((common[-1] - common[0]).abs().max()) > 0.1
    torch.testing.assert_close(own, common, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precisions(make_config, precision):
    _, step, *arguments, again = parts_of(make_config(real_information=1.0, precision=precision), torch.float32)
    images, latents, views = arguments
    expected = parts_of(make_config(real_information=1.0))
    wide = expected[1](*expected[2:5], Schedule(1.0, 1.0), expected[5])
    terms = step(images, latents, views, Schedule(1.0, 1.0), again)
    assert terms.dtype == torch.float32
    tolerance = 1e-3 if precision == "float32" else 0.05
    torch.testing.assert_close(terms.double(), wide, rtol=tolerance, atol=tolerance)


@pytest.mark.slow
def test_compiled_step_agrees(make_config):
    steps = []
    for compiled in (False, True):
        _, step, images, latents, views, again = parts_of(
            make_config(real_information=1.0, compile=compiled), torch.float32
        )
        steps.append([step(images, latents, views, Schedule(1.0, 1.0), again) for _ in range(3)])
    torch.testing.assert_close(torch.stack(steps[1]), torch.stack(steps[0]), rtol=1e-3, atol=1e-4)
