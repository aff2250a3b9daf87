"""The term on real images in the training step."""

import itertools

import pytest
import torch
from steps import make_inputs, make_step, named, parts_with_gradients
from torch.nn.functional import softplus

from infogan_fast.data import ImageData
from infogan_fast.objectives import Contribution, DiscriminatorTerm, RealInformation, invariant_information
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.augment import FAKE_FOR_DISCRIMINATOR, REAL
from infogan_fast.training.schedule import Schedule
from infogan_fast.training.step import TrainingStep

PARTS = {"generator": "generator", "head": "q_head", "trunk": "trunk"}
DOUBLE = {"dtype": torch.float64}


class Nothing(DiscriminatorTerm):
    metrics = ("nothing",)

    def __call__(self, passes):
        zero = 0.0 * passes.real_logits.sum()
        return Contribution(zero, (zero.detach(),))


def gradients(config, *, without=()):
    """Of D's update by name, without an optimiser's step."""
    model, step = make_step(config, **DOUBLE)
    terms = [term for term in (*step._discriminator_terms, *step._generator_terms) if not isinstance(term, without)]
    step, inputs = TrainingStep(model, config, terms), make_inputs(config, **DOUBLE)
    step.discriminator_loss(model.generator(inputs.latents.input).detach(), inputs)[0].backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("parts", [c for n in range(4) for c in itertools.combinations(PARTS, n)])
def test_reaches_the_parts_of_d_and_q_that_are_named(make_config, parts):
    config = make_config(information_gradient=parts, real_information=1.0)
    model, step = make_step(config, **DOUBLE)
    (term,) = (term for term in step._discriminator_terms if isinstance(term, RealInformation))
    step, inputs = TrainingStep(model, config, [term, Nothing(), *step._generator_terms]), make_inputs(config, **DOUBLE)
    step.discriminator_loss(model.generator(inputs.latents.input).detach(), inputs)[0].backward()
    assert parts_with_gradients(model) == {PARTS[part] for part in parts} - {"generator"}


def test_is_of_two_views_each_normalised_by_its_own_statistics(make_config):
    config = make_config(real_information=1.0, categorical=(3, 5))
    _, step = make_step(config, **DOUBLE)
    reference, _ = make_step(config, **DOUBLE)  # the same initial weights
    inputs = make_inputs(config, **DOUBLE)
    views = inputs.views.augment(inputs.real, REAL), inputs.second_view.augment(inputs.real, 0)
    with torch.no_grad():
        heads = [reference.q_output(view) for view in views]
        expected = sum(
            invariant_information(*(head[:, columns] for head in heads)) for columns in (slice(0, 3), slice(3, 8))
        )
        fake = inputs.views.augment(reference.generator(inputs.latents.input), FAKE_FOR_DISCRIMINATOR)
        real_logits, fake_logits = (reference.discriminate(images) for images in (views[0], fake))
        game = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    found = named(step, step([inputs], Schedule(0.0, 1.0)))
    assert float(found["real_information"]) == pytest.approx(float(expected), rel=1e-9)
    assert 0.0 < float(expected) < float(sum(config.spec.entropy()[:2]))
    assert float(found["discriminator_loss"]) == pytest.approx(float(game), rel=1e-9)


def test_the_other_terms_are_as_without_it(make_config):
    """But for the last bits: the trunk's third batch and the head's other two touch no gradient of theirs."""
    plain = gradients(make_config())
    beside = gradients(make_config(real_information=1e-300))
    assert plain.keys() == beside.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(beside[name], gradient, rtol=1e-9, atol=1e-12, msg=name)


def test_it_is_maximised_with_its_weight(make_config):
    """The gradients are linear in the weight, and those of the other terms without it."""
    none, one, two = (gradients(make_config(real_information=weight)) for weight in (1e-300, 1.0, 2.0))
    alone = gradients(make_config(real_information=1.0), without=(RealInformation,))
    assert any(not torch.allclose(one[name], none[name]) for name in one)
    for name, gradient in two.items():
        torch.testing.assert_close(gradient - one[name], one[name] - none[name], rtol=1e-7, atol=1e-12, msg=name)
        torch.testing.assert_close(alone[name], none[name], rtol=1e-9, atol=1e-12, msg=name)


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
        trainer.run(lines.append)
        return lines[-1].losses.get("real_information")

    assert last(0.0) is None
    assert last(1.0) > 0.6 > 0.2 > last(1e-6)  # of log 3 = 1.1


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precisions(make_config, precision):
    config = make_config(real_information=1.0)
    wide = make_step(config, **DOUBLE)[1]([make_inputs(config, **DOUBLE)], Schedule(1.0, 1.0))
    inputs = make_inputs(config, **DOUBLE)
    views, second = (
        type(v)(*(None if t is None else t.float() for t in v)) for v in (inputs.views, inputs.second_view)
    )
    latents = make_inputs(config).latents
    narrow = inputs._replace(latents=latents, views=views, second_view=second, real=inputs.real.float())
    metrics = make_step(make_config(real_information=1.0, precision=precision))[1]([narrow], Schedule(1.0, 1.0))
    assert metrics.dtype == torch.float32
    tolerance = 1e-3 if precision == "float32" else 0.05
    torch.testing.assert_close(metrics.double(), wide, rtol=tolerance, atol=tolerance)
