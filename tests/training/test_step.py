"""The training step: who gets which gradient, and what it returns."""

import dataclasses
import itertools

import pytest
import torch
from steps import make_inputs, make_step, named, parts_with_gradients
from torch.nn.functional import softplus

import infogan_fast as ig
from infogan_fast.data import load
from infogan_fast.objectives import (
    Contribution,
    DiscriminatorInformation,
    DiscriminatorTerm,
    GeneratorInformation,
    GeneratorTerm,
    nll_names,
)
from infogan_fast.training.augment import FAKE_FOR_DISCRIMINATOR, FAKE_FOR_GENERATOR, REAL, VIEWS
from infogan_fast.training.device import resolve
from infogan_fast.training.loop import TrainingLoop
from infogan_fast.training.presets import PRESETS
from infogan_fast.training.schedule import Schedule, schedule_at
from infogan_fast.training.settings import ConfigError
from infogan_fast.training.step import TrainingStep, frozen

# Of InfoGAN's settings, and the networks that they mean.
PARTS = {"generator": "generator", "head": "q_head", "trunk": "trunk"}
ALL = tuple(PARTS)
PRECISIONS = ("float32", "bfloat16")


class Nothing(DiscriminatorTerm):
    """A term that adds 0, so that the loss has a gradient of the others alone."""

    metrics = ("nothing",)

    def __call__(self, passes):
        zero = 0.0 * passes.real_logits.sum()
        return Contribution(zero, (zero.detach(),))


class NothingForG(GeneratorTerm):
    metrics = ("nothing_for_g",)

    def __call__(self, passes):
        zero = 0.0 * passes.fake_logits.sum()
        return Contribution(zero, (zero.detach(),))


def only_information(step):
    """The step without the game."""
    terms = [*step._discriminator_terms, *step._generator_terms]
    kept = [term for term in terms if isinstance(term, (DiscriminatorInformation, GeneratorInformation))]
    return TrainingStep(step.model, step.config, [*kept, Nothing(), NothingForG()])


@pytest.mark.parametrize("parts", [c for n in range(4) for c in itertools.combinations(ALL, n)])
def test_information_gradient_reaches_exactly_the_named_parts(make_config, parts):
    config = make_config(information_gradient=parts)
    model, step = make_step(config)
    step, inputs = only_information(step), make_inputs(config, still=True)
    fake = model.generator(inputs.latents.input)
    step.discriminator_loss(fake.detach(), inputs)[0].backward()
    with frozen([*model.trunk.parameters(), *model.discriminator_head.parameters(), *model.q_head.parameters()]):
        loss, _ = step.generator_loss(fake, inputs)
        if loss.requires_grad:
            loss.backward()
    assert parts_with_gradients(model) == {PARTS[part] for part in parts}


def trained_parts(model, step, inputs):
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    step(inputs, Schedule(1.0, 1.0))
    return {name.split(".")[0] for name, p in model.named_parameters() if not torch.equal(p, before[name])}


@pytest.mark.parametrize("parts", [ALL, ("generator",), ()])
def test_what_a_step_changes(make_config, parts):
    config = make_config(information_gradient=parts)
    changed = trained_parts(*make_step(config), [make_inputs(config)])
    assert changed == {"generator", "trunk", "discriminator_head"} | ({"q_head"} if "head" in parts else set())


def test_players_do_not_train_each_other(make_config):
    config = make_config(learning_rate_discriminator=0.0, learning_rate_head=0.0)
    model, step = make_step(config)
    assert trained_parts(model, step, [make_inputs(config)]) == {"generator"}
    assert all(p.requires_grad for p in model.parameters())


def test_metrics(make_config):
    config = make_config(categorical_weight=2.0, continuous_weight=0.5, variance=1.0)
    _, step = make_step(config)
    inputs = make_inputs(config, still=True)
    reference, _ = make_step(config)  # the same initial weights
    with torch.no_grad():
        features = reference.trunk(reference.generator(inputs.latents.input))
        head = reference.q_head(features)
        loss, nll = ig.reference.info_loss(head, inputs.latents, config.spec, 2.0, 0.125, 1.0, return_terms=True)
        logits, real = reference.discriminator_head(features), reference.discriminate(inputs.real)
    metrics = step([inputs], Schedule(0.0, 0.25))
    assert not metrics.requires_grad
    expected = {
        "discriminator_loss": softplus(-real).mean() + softplus(logits).mean(),
        "discriminator_information_loss": loss,
        "head_abs_max": head.abs().max(),
        **dict(zip(nll_names(config.spec), nll, strict=True)),
        "generator_loss": softplus(-logits).mean(),
        "generator_information_loss": loss,
    }
    found = named(step, metrics)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize(("of_discriminator", "of_generator"), [(1, 1), (3, 1), (1, 2), (2, 3)])
def test_updates_of_each_player(make_config, of_discriminator, of_generator):
    """Each on inputs of its own; the last update of D and the first of G share their generated images."""
    config = make_config(discriminator_updates=of_discriminator, generator_updates=of_generator)
    model, step = make_step(config)
    inputs = [make_inputs(config, number=number) for number in range(of_discriminator + of_generator - 1)]
    calls = []
    for name, optimizer in (("D", step.discriminator_optimizer), ("G", step.generator_optimizer)):
        take_step = optimizer.step
        optimizer.step = lambda name=name, take_step=take_step: (calls.append(name), take_step())
    generated = []
    generate = step.generate
    step.generate = lambda latents: generated.append(latents) or generate(latents)
    step(inputs, Schedule(1.0, 1.0))
    assert calls == ["D"] * of_discriminator + ["G"] * of_generator
    assert [next(i for i, x in enumerate(inputs) if x.latents.input is g) for g in generated] == list(
        range(len(inputs))
    )
    assert all(p.isfinite().all() for p in model.parameters())


def test_metrics_are_means_over_the_updates(make_config):
    config = make_config(discriminator_updates=2, learning_rate_discriminator=0.0, learning_rate_head=0.0)
    first, second = (make_inputs(config, number=number) for number in (0, 1))
    both = named(step := make_step(config)[1], step([first, second], Schedule(0.0, 1.0)))
    config = make_config()
    alone = [named(step := make_step(config)[1], step([x], Schedule(0.0, 1.0))) for x in (first, second)]
    for name in ("discriminator_loss", "discriminator_information_loss"):
        assert float(both[name]) == pytest.approx((float(alone[0][name]) + float(alone[1][name])) / 2, rel=1e-5)
    assert float(both["generator_loss"]) == pytest.approx(float(alone[1]["generator_loss"]), rel=1e-5)


def test_terms_of_ones_own(make_config):
    class Seen(DiscriminatorTerm):
        """Takes everything that a term can ask for."""

        inputs = frozenset({"images", "second_view", "labels", "uniform"})
        metrics = ("seen",)

        def __call__(self, passes):
            seen.append(passes)
            loss = 0.5 * passes.real_logits.square().mean()
            return Contribution(loss, (loss.detach(),))

    seen = []
    config = make_config(real_information=1.0)
    _, step = make_step(config, terms=[Seen()])
    inputs = make_inputs(config)
    metrics = named(step, step([inputs], Schedule(1.0, 1.0)))
    (passes,) = seen
    assert float(metrics["seen"]) == pytest.approx(float(0.5 * passes.real_logits.detach().square().mean()))
    assert passes.labels is inputs.labels
    assert passes.uniform is inputs.uniform
    assert passes.real_head.shape == passes.second_view_head.shape == (config.batch_size, config.spec.head_dim(0.0625))
    torch.testing.assert_close(passes.real, inputs.views.augment(inputs.real, REAL))
    assert not passes.fake.requires_grad


def test_two_terms_of_one_name_are_refused(make_config):
    with pytest.raises(ConfigError, match="terms: two of them log nothing"):
        make_step(make_config(), terms=[Nothing(), Nothing()])


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
    config, augmented = make_config(), []

    class Spy:
        def augment(self, images, *views):
            augmented.extend(views)
            return images

    _, step = make_step(config)
    step([make_inputs(config)._replace(views=Spy())], Schedule(1.0, 1.0))
    assert augmented == [REAL, FAKE_FOR_DISCRIMINATOR, FAKE_FOR_GENERATOR]
    assert len(set(augmented)) == VIEWS


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"real_information": 1.0}, {"game": "hinge"}, {"game": "wgan-gp"}], ids=str)
def test_compiled_step_agrees_and_does_not_recompile(make_config, changes):
    config = make_config(**changes)
    _, eager = make_step(config)
    _, compiled = make_step(make_config(compile=True, **changes))
    for number in range(4):
        with torch._dynamo.config.patch(error_on_recompile=number > 0):
            inputs = [make_inputs(config, number=number)]
            schedule = Schedule(1.0 - number / 4, number / 4)
            expected = eager(inputs, schedule)
            torch.testing.assert_close(compiled(inputs, schedule), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("networks", ["faces", "chairs", "keras"])
def test_compiled_step_of_other_architectures(make_config, networks):
    config, shape = make_config(networks=networks), (1, 16, 16)
    inputs = [make_inputs(config, shape)]
    (_, eager), (_, compiled) = (make_step(dataclasses.replace(config, compile=c), shape) for c in (False, True))
    for _ in range(2):
        metrics = [step(inputs, Schedule(1.0, 1.0)) for step in (eager, compiled)]
        torch.testing.assert_close(*metrics, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("parts", [ALL, ()])
def test_bfloat16_is_close_to_float32(make_config, parts):
    """Autocast rounds activations to 8 bits; the first step's losses say the same nevertheless."""
    steps = [make_step(make_config(precision=precision, information_gradient=parts)) for precision in PRECISIONS]
    (_, wide), (narrow_model, narrow) = steps
    inputs = make_inputs(make_config())
    expected, rounded = (step([inputs], Schedule(1.0, 1.0)) for step in (wide, narrow))
    assert inputs.views.points is not None
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, expected, rtol=0.05, atol=0.03)
    assert not torch.equal(rounded, expected)
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in narrow_model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"game": "hinge"}, {"game": "wgan-gp", "discriminator_updates": 2, "betas": (0.0, 0.9)}],
    ids=["hinge", "wgan-gp"],
)
def test_other_games_train_on_the_digits(changes):
    """300 steps of the default job with another game: nothing is NaN, and the digits of the codes differ."""
    config, _ = resolve(dataclasses.replace(PRESETS["mnist5k"], device="cpu", steps=300, **changes))
    data = load("mnist5k")
    loop = TrainingLoop(config, data)
    for _ in range(config.steps):
        if loop.step % config.log_every == 0:
            loop.history.clear()
        loop.advance()
    loop.history.check_finite(loop.step)
    assert all(bool(tensor.isfinite().all()) for tensor in loop.model.state_dict().values())
    losses, bound = loop.history.means()
    assert ("gradient_penalty" in losses) == (config.game == "wgan-gp")
    assert bound[0] > 1.0  # of log 10 = 2.3 nats
