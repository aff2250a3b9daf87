"""Every setting does what its description says: a test for each, named after it, here and in the files beside this one.

Tests of the latent code, the networks and the objective.
"""

import ast
import dataclasses
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from runs_by_setting import PLAIN, first_metrics, gradients, inputs, trained, weights
from torch import nn

import infogan_fast as ig
from infogan_fast.data import ImageData
from infogan_fast.networks import build_model
from infogan_fast.training import ConfigError, TrainConfig
from infogan_fast.training.loop import TrainingLoop

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("test_every_setting*.py"))
# D and Q do not learn, so that what G gets in a step does not depend on what D got.
STILL = {**PLAIN, "learning_rate_discriminator": 0.0, "learning_rate_head": 0.0}


def test_no_setting_is_without_a_test():
    tests = {
        definition.name.removeprefix("test_")
        for file in FILES
        for definition in ast.parse(file.read_text()).body
        if isinstance(definition, ast.FunctionDef)
    }
    assert {field.name for field in dataclasses.fields(TrainConfig)} - tests == set()


@pytest.mark.slow
def test_each_of_these_tests_fails_where_its_setting_is_ignored():
    plugin = [sys.executable, "-m", "pytest", "-q", "-p", "ignored_settings", *map(str, FILES)]
    support = {"PYTHONPATH": f"{HERE.parent / 'support'}:{HERE.parents[1]}"}
    ended = subprocess.run(plugin, env={**os.environ, **support}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


# Latent code


def test_noise(make_config, data):
    for noise in (0, 4, 7):
        assert inputs(make_config(noise=noise), data).latents.input.shape == (8, noise + 3 + 2)


def test_noise_prior(make_config, data):
    def largest(prior):
        return float(inputs(make_config(noise=50, noise_prior=prior), data).latents.input[:, :50].abs().max())

    assert 0.9 < largest("uniform") <= 1.0
    assert largest("normal") > 2.0


def test_categorical(make_config, data):
    for cardinalities in ((3,), (5, 2), ()):
        config = make_config(categorical=cardinalities, batch_size=30)
        latents = inputs(config, data).latents
        assert (latents.categorical.amax(dim=0) + 1).tolist() == list(cardinalities)
        assert latents.input.shape[1] == 4 + sum(cardinalities) + 2
        assert TrainingLoop(config, data).model.spec.categorical == cardinalities


def test_continuous(make_config, data):
    for codes in (0, 2, 5):
        config = make_config(continuous=codes)
        assert inputs(config, data).latents.continuous.shape == (8, codes)
        assert TrainingLoop(config, data).model.spec.continuous == codes


def test_continuous_prior(make_config, data):
    def largest(prior):
        return float(inputs(make_config(continuous=50, continuous_prior=prior), data).latents.continuous.abs().max())

    assert 0.9 < largest("uniform") <= 1.0
    assert largest("normal") > 2.0


# Networks


class Rows(nn.Module):
    """A generator of one's own."""

    def __init__(self, width, shape):
        super().__init__()
        self.linear, self.shape = nn.Linear(width, math.prod(shape)), shape

    def forward(self, latents):
        return self.linear(latents).sigmoid().view(-1, *self.shape)


def test_networks(make_config, data):
    images = ImageData("larger", data.images.repeat(1, 1, 2, 2))
    for name in ("mnist", "svhn", "chairs", "keras", "images"):
        config = make_config(networks=name)
        built = build_model(config.spec, (1, 16, 16), variance=config.variance, width=0.05, networks=name)
        assert str(TrainingLoop(config, images).model) == str(built)
    config = make_config(networks="own")
    own = ig.InfoGAN(
        config.spec,
        generator=Rows(config.spec.input_dim, (1, 16, 16)),
        trunk=nn.Sequential(nn.Flatten(), nn.Linear(256, 6)),
        discriminator_head=nn.Linear(6, 1),
        q_head=nn.Linear(6, config.spec.head_dim(config.variance)),
        variance=config.variance,
    )
    before = weights(own)
    after = weights(trained(config, images, model=own).model)
    assert after.keys() == before.keys()
    assert not any(torch.equal(after[name], before[name]) for name in after)
    with pytest.raises(ConfigError, match="networks: got own, which needs networks of your own"):
        TrainingLoop(config, images)


def test_width(make_config, data):
    def hidden(width):
        trunk = TrainingLoop(make_config(width=width), data).model.trunk
        return [m.weight.shape[0] for m in trunk.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]

    assert [2 * channels for channels in hidden(0.25)] == hidden(0.5)


# Objective


def test_game(make_config, data):
    def losses(game):
        return first_metrics(make_config(game=game, **PLAIN), data)[0]

    # While D's outputs are near 0.
    assert losses("non-saturating")["discriminator_loss"] == pytest.approx(2 * math.log(2), abs=0.1)
    assert losses("hinge")["discriminator_loss"] == pytest.approx(2.0, abs=0.2)
    assert losses("wgan-gp")["discriminator_loss"] == pytest.approx(0.0, abs=0.2)
    assert losses("wgan-gp")["gradient_penalty"] > 0.0


def test_game_options(make_config, data):
    """The gradient is a linear function of the penalty's weight, which is 10 where nothing is said."""

    def gradient(options):
        return gradients(make_config(game="wgan-gp", game_options=options, **STILL), data)["trunk"]

    without, usual, more = map(gradient, ("penalty:0", None, "penalty:30"))
    assert not torch.allclose(without, usual, rtol=1e-2)
    torch.testing.assert_close(more - without, 3.0 * (usual - without), rtol=1e-3, atol=1e-4)


def test_discriminator_updates(make_config, data):
    for updates in (1, 3):
        loop = trained(make_config(discriminator_updates=updates), data, steps=2)
        assert (steps(loop.training_step.discriminator_optimizer), steps(loop.training_step.generator_optimizer)) == (
            {2.0 * updates},
            {2.0},
        )
        batches = [update.real for update in loop.inputs()]
        assert len(batches) == updates
        assert all(not torch.equal(batch, batches[0]) for batch in batches[1:])


def test_generator_updates(make_config, data):
    for updates in (1, 3):
        loop = trained(make_config(generator_updates=updates), data, steps=2)
        assert (steps(loop.training_step.discriminator_optimizer), steps(loop.training_step.generator_optimizer)) == (
            {2.0},
            {2.0 * updates},
        )


def steps(optimizer):
    return {float(state["step"]) for state in optimizer.state.values()}


def information(make_config, data, **settings):
    """The information loss of D's and of G's update of the first step, and -log Q of the codes."""
    losses, (categorical, *continuous) = first_metrics(make_config(**{**STILL, **settings}), data)
    names = "discriminator_information_loss", "generator_information_loss"
    return [losses[name] for name in names], categorical, sum(continuous)


def test_categorical_weight(make_config, data):
    for weight in (0.0, 0.7, 3.0):
        losses, nll, _ = information(make_config, data, categorical_weight=weight, continuous_weight=0.0)
        assert losses == pytest.approx([weight * nll] * 2, rel=1e-4)


def test_continuous_weight(make_config, data):
    for weight in (0.0, 0.7, 3.0):
        losses, _, nll = information(make_config, data, categorical_weight=0.0, continuous_weight=weight)
        assert losses == pytest.approx([weight * nll] * 2, rel=1e-4)


def continuous_scales(make_config, data, **settings):
    """What the continuous codes' loss is multiplied by in each step of a run of ten."""
    config = make_config(**{**STILL, "steps": 10, "categorical_weight": 0.0, "continuous_weight": 1.0, **settings})
    loop, scales = TrainingLoop(config, data), []
    for _ in range(config.steps):
        loop.history.clear()
        loop.advance()
        losses, bound = loop.history.means()
        nll = float(config.spec.entropy()[1:].sum()) - sum(bound[1:])
        scales.append(losses["discriminator_information_loss"] / nll)
    return scales


def test_continuous_from(make_config, data):
    scales = continuous_scales(make_config, data, continuous_from=0.2, continuous_full=0.6)
    assert scales == pytest.approx([0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1], abs=1e-4)
    assert continuous_scales(make_config, data, categorical=(), continuous_from=0.2, continuous_full=0.6)[0] != 0.0


def test_continuous_full(make_config, data):
    scales = continuous_scales(make_config, data, continuous_from=0.0, continuous_full=0.5)
    assert scales == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1, 1], abs=1e-4)


def test_variance(make_config, data):
    """-log Q is err^2 / 2v + log(2 pi v) / 2, with the same error whatever v, as the networks are the same."""

    def squared_error(variance):
        _, _, nll = information(make_config, data, variance=variance)
        return 2.0 * variance * (nll - math.log(2.0 * math.pi * variance))  # of two codes

    assert squared_error(0.3) == pytest.approx(squared_error(2.0), rel=1e-4)
    for variance, width in ((0.3, 3 + 2), ("learned", 3 + 2 + 2), ("learned_std", 3 + 2 + 2)):
        model = TrainingLoop(make_config(variance=variance), data).model
        assert model.variance == variance
        assert model.q_output(torch.zeros(2, 1, 8, 8)).shape == (2, width)


def test_information_gradient(make_config, data):
    def of(parts, **weights):
        return gradients(make_config(information_gradient=parts, **STILL, **weights), data)

    parts = ("generator", "head", "trunk")
    plain, whole = of(parts, categorical_weight=0.0, continuous_weight=0.0), of(parts)
    for part, network in zip(parts, ("generator", "q_head", "trunk"), strict=True):
        without = of(tuple(other for other in parts if other != part))
        for name, gradient in without.items():
            torch.testing.assert_close(gradient, plain[name] if name == network else whole[name], msg=f"{part}, {name}")
        assert not torch.allclose(whole[network], plain[network], rtol=1e-2)


def test_real_information_views(make_config, data):
    """So many pairs of views of each image are compared."""
    images = ImageData("larger", data.images.repeat(1, 1, 2, 2))

    def heads(pairs, **settings):
        config = make_config(networks="images", real_information_views=pairs, **settings)
        loop, shapes = TrainingLoop(config, images), []
        loop.training_step._discriminator_terms[-1] = term = Watched(loop.training_step._discriminator_terms[-1])
        loop.advance()
        shapes = [None if head is None else list(head.shape) for head in term.seen]
        return shapes, config.spec.head_dim(config.variance)

    for pairs in (1, 3):
        shapes, columns = heads(pairs, real_information=1.0)
        assert shapes == [[8, columns], [8 * pairs, columns], [8 * pairs, columns]]
        assert heads(pairs, real_information=0.0)[0] == [[8, columns], None, None]


def test_real_information_entropy(make_config, data):
    """Its gradient is linear in it, and what is logged stays the information."""

    def of(entropy):
        config = make_config(real_information=1.0, real_information_entropy=entropy, **STILL)
        return gradients(config, data)["q_head"], first_metrics(config, data)[0]["real_information"]

    (once, logged), (more, same_logged), (most, _) = map(of, (1.0, 1.5, 2.0))
    assert not torch.allclose(once, more, rtol=1e-2)
    torch.testing.assert_close(most - once, 2.0 * (more - once), rtol=1e-2, atol=1e-5)
    assert logged == same_logged


def test_conditional_discriminator(make_config, data):
    """D has a projection where categories are read by a network of their own beside a term on real images."""
    images = ImageData("larger", data.images.repeat(1, 1, 2, 2))

    def projection(**settings):
        config = make_config(**{"networks": "images", "real_information": 1.0, **settings})
        return TrainingLoop(config, images).model.projection

    assert projection() is None
    assert projection(conditional_discriminator=True).weight.shape[0] == sum(make_config().categorical)
    for idle in ({"networks": "mnist"}, {"real_information": 0.0}, {"game": "wgan-gp"}, {"categorical": ()}):
        assert projection(conditional_discriminator=True, **idle) is None


class Watched:
    """A term that notes the heads that it is given."""

    def __init__(self, term):
        self._term, self.metrics = term, term.metrics

    def __call__(self, passes):
        self.seen = passes.fake_head, passes.real_head, passes.second_view_head
        return self._term(passes)


def test_ignore(make_config, data):
    """Views differ in what is named, whatever reads the categories; a network of its own forgets all colour."""
    larger = data.images.repeat(1, 1, 2, 2)
    images = ImageData("larger", torch.cat((larger, larger.flip(2), 255 - larger), dim=1))
    for networks in ("mnist", "images"):
        seen = []
        for ignore in ((), ("flip:1",), ("colour",)):
            config = make_config(networks=networks, real_information=1.0, ignore=ignore)
            now = inputs(config, images)
            real = now.real
            assert (now.category_views is None) == (networks == "mnist")
            seen.append(
                now.second_view.augment(real, 0)
                if now.category_views is None
                else now.category_views.of_real(real)[: len(real)]
            )
            front = [type(m).__name__ for m in TrainingLoop(config, images).model.modules()]
            assert ("Standardise" in front) == (networks == "images" and ignore == ("colour",))
        assert not torch.allclose(seen[0], seen[1], atol=1e-2)
        assert torch.allclose(seen[2], seen[2][:, :1].expand_as(seen[2]))
        assert not torch.allclose(seen[0][:, 0], seen[2][:, 0], atol=1e-2)
    vectors = ImageData("vectors", torch.rand(20, 5))
    with pytest.raises(ConfigError, match="ignore and categorical_network: got vectors, 5, allowed: images"):
        TrainingLoop(make_config(networks="own", ignore=("flip",)), vectors, own_of_vectors(make_config))


def own_of_vectors(make_config):
    """Networks for vectors of 5 numbers."""
    config = make_config(networks="own", ignore=("flip",))
    return ig.InfoGAN(
        config.spec,
        generator=nn.Linear(config.spec.input_dim, 5),
        trunk=nn.Linear(5, 6),
        discriminator_head=nn.Linear(6, 1),
        q_head=nn.Linear(6, config.spec.head_dim(config.variance)),
        variance=config.variance,
    )


def test_real_information(make_config, data):
    """Its gradient reaches Q and the trunk in proportion to the weight, and not G."""

    def of(weight):
        return gradients(make_config(real_information=weight, **STILL), data)

    without, once, twice = map(of, (0.0, 1.0, 2.0))
    for network in ("trunk", "q_head"):
        assert not torch.allclose(without[network], once[network], rtol=1e-2)
        change = once[network] - without[network]
        torch.testing.assert_close(twice[network] - without[network], 2.0 * change, rtol=1e-2, atol=1e-4)
    torch.testing.assert_close(twice["generator"], without["generator"])
