"""A conditional D: its logit has a part for each category that an image is of."""

import pytest
import torch
from torch import nn

import infogan_fast as ig
from infogan_fast.data import ImageData
from infogan_fast.model import InfoGAN
from infogan_fast.training.loop import TrainingLoop
from infogan_fast.training.settings import ConfigError


@pytest.fixture
def images(data):
    return ImageData("larger", data.images.repeat(1, 1, 2, 2))


@pytest.fixture
def conditional(make_config, images):
    """A loop with two categorical codes, and what its terms were given in the last step."""

    def made(**settings):
        config = make_config(
            **{
                "networks": "images",
                "categorical": (3, 2),
                "real_information": 1.0,
                "real_information_views": 2,
                "conditional_discriminator": True,
                **settings,
            }
        )
        loop = TrainingLoop(config, images)
        step = loop.training_step
        for terms in (step._discriminator_terms, step._generator_terms):
            terms[0] = Watched(terms[0])
        return loop, step._discriminator_terms[0], step._generator_terms[0]

    return made


class Watched:
    """A term that notes what it is given."""

    def __init__(self, term):
        self._term, self.metrics = term, term.metrics

    def __call__(self, passes):
        self.seen = passes
        return self._term(passes)


def test_the_logit_has_the_columns_of_the_categories(conditional):
    """Those that G was given; for a real image those that its views are read as, all together."""
    loop, of_discriminator, of_generator = conditional()
    step, columns = loop.training_step, torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])
    step._discriminator_head = lambda rows, groups=1: torch.zeros(len(rows), 1)
    step._projection = lambda rows, groups=1: columns.expand(len(rows), 5)
    loop.inputs.prepare(0)
    (update,) = loop.inputs()
    fake = loop.model.generator(update.latents.input)
    step._discriminator_loss(fake.detach(), update)
    step._generator_loss(fake, update)
    categories = update.latents.categorical
    expected = columns[categories[:, :1]] + columns[3 + categories[:, 1:]]
    assert torch.equal(of_discriminator.seen.fake_logits, expected)
    assert torch.equal(of_generator.seen.fake_logits, expected)
    views = torch.cat((of_discriminator.seen.real_head, of_discriminator.seen.second_view_head)).detach()
    first, second = (views[:, part].log_softmax(1).view(4, 8, -1).sum(0) for part in (slice(0, 3), slice(3, 5)))
    read = columns[first.argmax(1)] + columns[3 + second.argmax(1)]
    assert torch.equal(of_discriminator.seen.real_logits[:, 0], read)


def test_it_is_trained_with_the_discriminator(conditional):
    loop, *_ = conditional()
    before = loop.model.projection.weight.detach().clone()
    loop.advance()
    assert not torch.equal(before, loop.model.projection.weight)
    weight = loop.model.projection.weight
    loop.training_step.discriminator_optimizer.set_rates(0.0, 1e-3)
    before = weight.detach().clone()
    loop.training_step.follow = lambda schedule: None
    loop.advance()
    assert torch.equal(before, weight)


def test_categories_learn_nothing_from_the_discriminator(conditional):
    """The choice of a category has no gradient: with the term on real images off, their network stands still."""
    loop, *_ = conditional()
    step = loop.training_step
    step._discriminator_terms = step._discriminator_terms[:1]
    loop.inputs.prepare(0)
    (update,) = loop.inputs()
    fake = loop.model.generator(update.latents.input).detach()
    loss, _ = step._discriminator_loss(fake, update)
    loss.backward()
    assert all(p.grad is None or not p.grad.any() for p in loop.model.categorical_network.parameters())
    assert bool(loop.model.projection.weight.grad.any())


def own_networks(**changes):
    spec = ig.LatentSpec(noise=4, categorical=(3,), continuous=1)
    networks = {
        "generator": nn.Sequential(nn.Linear(spec.input_dim, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))),
        "trunk": nn.Sequential(nn.Flatten(), nn.Linear(784, 8)),
        "discriminator_head": nn.Linear(8, 1),
        "q_head": nn.Linear(8, 1),
        "categorical_network": nn.Sequential(nn.Flatten(), nn.Linear(784, 3)),
        "projection": nn.Linear(8, 3),
        **changes,
    }
    return InfoGAN(spec, variance=0.0625, **networks)


def test_networks_of_ones_own_can_be_conditional(tmp_path):
    images = torch.rand(32, 1, 28, 28)
    own_networks().check((1, 28, 28))
    settings = {"steps": 2, "batch_size": 8, "evaluation_samples": 100, "picture_every": 0}
    run = ig.train("plain", data=images, model=own_networks(), out=tmp_path / "a", real_information=1.0, **settings)
    again = ig.load(tmp_path / "a", model=own_networks())
    assert torch.equal(again.model.projection.weight, run.model.projection.weight)
    with pytest.raises(ConfigError, match="projection: got one, allowed: None unless real_information"):
        ig.train("plain", data=images, model=own_networks(), out=tmp_path / "b", **settings)
    wgan = {"real_information": 1.0, "game": "wgan-gp"}
    with pytest.raises(ConfigError, match="differentiates D"):
        ig.train("plain", data=images, model=own_networks(), out=tmp_path / "c", **wgan, **settings)


def test_projections_that_cannot_be():
    with pytest.raises(ValueError, match="got a projection, allowed: None without a categorical_network"):
        own_networks(categorical_network=None, q_head=nn.Linear(8, 4))
    with pytest.raises(ValueError, match=r"projection: got \[2, 4\]"):
        own_networks(projection=nn.Linear(8, 4)).check((1, 28, 28))
    with pytest.raises(TypeError, match=r"projection must be an nn.Module"):
        own_networks(projection=3)
