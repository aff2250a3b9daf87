"""The GAN game of Goodfellow et al. 2014 (arXiv 1406.2661), with the non-saturating loss for the generator.

D's outputs are logits: ``D(x) = sigmoid(logit)`` is the probability that an image is real, and ``-log sigmoid(t) =
softplus(-t)``, which does not overflow.
"""

from __future__ import annotations

import torch.nn.functional as F

from infogan_fast.objectives.term import (
    Contribution,
    DiscriminatorPasses,
    DiscriminatorTerm,
    GeneratorPasses,
    GeneratorTerm,
    Term,
)


class NonSaturatingDiscriminator(DiscriminatorTerm):
    """``-E[log D(x)] - E[log(1 - D(G(z, c)))]`` in nats; ``2 log 2 = 1.386`` where D cannot tell them apart."""

    metrics = ("discriminator_loss",)

    def __call__(self, passes: DiscriminatorPasses) -> Contribution:
        """The term, computed from D's logits for real and generated images."""
        loss = F.softplus(-passes.real_logits).mean() + F.softplus(passes.fake_logits).mean()
        return Contribution(loss, (loss.detach(),))


class NonSaturatingGenerator(GeneratorTerm):
    """``-E[log D(G(z, c))]`` in nats, whose gradient lasts while D is winning."""

    metrics = ("generator_loss",)

    def __call__(self, passes: GeneratorPasses) -> Contribution:
        """The term, computed from D's logits for generated images."""
        loss = F.softplus(-passes.fake_logits).mean()
        return Contribution(loss, (loss.detach(),))


def non_saturating() -> tuple[Term, ...]:
    """The game's terms."""
    return NonSaturatingDiscriminator(), NonSaturatingGenerator()
