"""The GAN games against a few lines of independent computation in float64, gradients included."""

import pytest
import torch
from torch import nn

from infogan_fast.objectives import GAMES, DiscriminatorPasses, DiscriminatorTerm, GeneratorPasses, game_terms

B, SHAPE = 7, (2, 3)


def critic():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Softplus(), nn.Linear(5, 1)).double()


def passes_of(D, real, fake, uniform):
    of_discriminator = DiscriminatorPasses(D(real), D(fake), None, None, None, real, fake, D, None, None, None, uniform)
    return of_discriminator, GeneratorPasses(D(fake), None, None, None)


def run(name, player, options=()):
    """The loss of one player, and its gradients of D's parameters and of the generated images."""
    D, generator = critic(), torch.Generator().manual_seed(1)
    real, fake = (torch.randn(B, *SHAPE, generator=generator, dtype=torch.float64) for _ in range(2))
    uniform = torch.rand(B, generator=generator, dtype=torch.float64)
    fake.requires_grad_(player == "generator")
    of_discriminator, of_generator = passes_of(D, real, fake, uniform)
    terms = [term for term in game_terms(name, dict(options)) if term.player == player]
    passes = of_discriminator if player == "discriminator" else of_generator
    loss = sum(term(passes).loss for term in terms)
    return D, real, fake, uniform, loss


def assert_same(loss, expected, tensors):
    assert float(loss) == pytest.approx(float(expected), rel=1e-12)
    for got, wanted in zip(
        torch.autograd.grad(loss, tensors, retain_graph=True),
        torch.autograd.grad(expected, tensors, retain_graph=True),
        strict=True,
    ):
        torch.testing.assert_close(got, wanted, rtol=1e-11, atol=1e-13)


def zero(D):
    """Keeps parameters that do not matter in the graph."""
    return 0.0 * sum(p.sum() for p in D.parameters())


def test_non_saturating():
    D, real, fake, _, loss = run("non-saturating", "discriminator")
    assert_same(loss, -D(real).sigmoid().log().mean() - (1 - D(fake).sigmoid()).log().mean(), list(D.parameters()))
    D, _, fake, _, loss = run("non-saturating", "generator")
    assert_same(loss, -D(fake).sigmoid().log().mean(), [fake])


def test_non_saturating_does_not_overflow():
    terms = game_terms("non-saturating", {})
    real = torch.tensor([[200.0]])
    of_discriminator = DiscriminatorPasses(real, -real, *[None] * 10)
    assert float(terms[0](of_discriminator).loss) == 0.0
    assert float(terms[1](GeneratorPasses(-real, None, None, None)).loss) == 200.0


def test_hinge():
    D, real, fake, _, loss = run("hinge", "discriminator")
    expected = torch.where(D(real) < 1, 1 - D(real), 0.0).mean() + torch.where(D(fake) > -1, 1 + D(fake), 0.0).mean()
    assert_same(loss, expected + zero(D), list(D.parameters()))
    D, _, fake, _, loss = run("hinge", "generator")
    assert_same(loss, -D(fake).sum() / B, [fake])


@pytest.mark.parametrize("weight", [10.0, 0.5])
def test_wgan_gp(weight):
    """The penalty from the Jacobian that ``torch.func`` gives, image by image."""
    D, real, fake, uniform, loss = run("wgan-gp", "discriminator", {"penalty": weight}.items())
    mixed = uniform[:, None, None] * real + (1 - uniform[:, None, None]) * fake
    jacobian = torch.func.vmap(torch.func.grad(lambda x: D(x[None]).squeeze()))(mixed)
    penalty = ((jacobian.square().sum((1, 2)).sqrt() - 1) ** 2).mean()
    assert_same(loss, D(fake).mean() - D(real).mean() + weight * penalty, list(D.parameters()))
    D, _, fake, _, loss = run("wgan-gp", "generator")
    assert_same(loss, -D(fake).mean(), [fake])


def test_a_critic_that_ignores_its_images_has_a_finite_penalty():
    (term,) = (term for term in game_terms("wgan-gp", {}) if "gradient_penalty" in term.metrics)
    D = critic()
    nn.init.zeros_(D[1].weight)
    images = torch.randn(B, *SHAPE, dtype=torch.float64)
    passes, _ = passes_of(D, images, -images, torch.rand(B, dtype=torch.float64))
    contribution = term(passes)
    assert float(contribution.logged[0]) == pytest.approx(1.0)
    contribution.loss.backward()
    assert all(bool(p.grad.isfinite().all()) for p in D.parameters() if p.grad is not None)


def test_options():
    assert game_terms("wgan-gp", {"penalty": 3.0})[1].weight == 3.0
    with pytest.raises(ValueError, match=r"'penality': unknown; allowed of wgan-gp: penalty \(default 10\)"):
        game_terms("wgan-gp", {"penality": 3.0})
    with pytest.raises(ValueError, match="'penalty': unknown; allowed of hinge: no options"):
        game_terms("hinge", {"penalty": 3.0})
    with pytest.raises(ValueError, match=r"penalty: got -1\.0, allowed: a number >= 0"):
        game_terms("wgan-gp", {"penalty": -1.0})


def test_every_term_says_what_it_logs():
    for name in GAMES:
        D = critic()
        images = torch.randn(B, *SHAPE, dtype=torch.float64)
        of_discriminator, of_generator = passes_of(D, images, -images, torch.rand(B, dtype=torch.float64))
        for term in game_terms(name, {}):
            contribution = term(of_discriminator if isinstance(term, DiscriminatorTerm) else of_generator)
            assert len(contribution.logged) == len(term.metrics)
            assert not any(value.requires_grad for value in contribution.logged)
            assert contribution.loss.shape == ()
