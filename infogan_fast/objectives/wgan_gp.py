"""The Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv 1704.00028, algorithm 1).

D is a critic, whose output is no logit. The paper makes five updates of D for each one of G, with Adam's betas at
(0, 0.9), and has no batch normalisation in D, since the penalty is for each image on its own.
"""

from __future__ import annotations

import math

import torch

from infogan_fast.objectives.term import (
    Contribution,
    DiscriminatorPasses,
    DiscriminatorTerm,
    GeneratorPasses,
    GeneratorTerm,
    Term,
)


class WassersteinDiscriminator(DiscriminatorTerm):
    """``E[D(G(z, c))] - E[D(x)]``: minus the estimate of the Wasserstein distance, where the penalty holds."""

    metrics = ("discriminator_loss",)

    def __call__(self, passes: DiscriminatorPasses) -> Contribution:
        """The term, computed from D's outputs for real and generated images."""
        loss = passes.fake_logits.mean() - passes.real_logits.mean()
        return Contribution(loss, (loss.detach(),))


class GradientPenalty(DiscriminatorTerm):
    """``weight * E[(|grad D(x')| - 1)^2]``, x' uniformly on the line between a real image and a generated one.

    The norm is over all values of an image. D sees the interpolates of the augmented images, as a batch of their own.

    Args:
        weight: lambda; the paper's is 10.
    """

    inputs = frozenset({"images", "uniform"})
    needs_second_derivatives = True
    metrics = ("gradient_penalty",)

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self, passes: DiscriminatorPasses) -> Contribution:
        """The term, computed from real and generated images; the metric is without the weight."""
        assert passes.uniform is not None
        assert passes.real is not None
        assert passes.fake is not None
        fraction = passes.uniform.view(-1, *(1,) * (passes.real.ndim - 1))
        interpolates = torch.lerp(passes.fake, passes.real, fraction).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(passes.judge(interpolates).sum(), interpolates, create_graph=True)
        squares = gradient.flatten(1).square().sum(dim=1)
        # The root's own derivative is infinite at 0, where a D that ignores its images would get NaN.
        norms = squares.clamp_min(torch.finfo(squares.dtype).tiny).sqrt()
        penalty = (norms - 1.0).square().mean()
        return Contribution(self.weight * penalty, (penalty.detach(),))


class WassersteinGenerator(GeneratorTerm):
    """``-E[D(G(z, c))]``."""

    metrics = ("generator_loss",)

    def __call__(self, passes: GeneratorPasses) -> Contribution:
        """The term, computed from D's outputs for generated images."""
        loss = -passes.fake_logits.mean()
        return Contribution(loss, (loss.detach(),))


def wgan_gp(penalty: float = 10.0) -> tuple[Term, ...]:
    """The game's terms.

    Args:
        penalty: weight of the gradient penalty, ``>= 0``.

    Raises:
        ValueError: the weight is negative or not finite.
    """
    if not 0.0 <= penalty < math.inf:
        raise ValueError(f"penalty: got {penalty!r}, allowed: a number >= 0")
    return WassersteinDiscriminator(), GradientPenalty(penalty), WassersteinGenerator()
