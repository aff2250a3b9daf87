"""The hinge loss (Lim & Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957, equations 16 and 17)."""

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


class HingeDiscriminator(DiscriminatorTerm):
    """``E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z, c)))]``; 2 where D's outputs are 0."""

    metrics = ("discriminator_loss",)

    def __call__(self, passes: DiscriminatorPasses) -> Contribution:
        """The term, computed from D's outputs for real and generated images."""
        loss = F.relu(1.0 - passes.real_logits).mean() + F.relu(1.0 + passes.fake_logits).mean()
        return Contribution(loss, (loss.detach(),))


class HingeGenerator(GeneratorTerm):
    """``-E[D(G(z, c))]``."""

    metrics = ("generator_loss",)

    def __call__(self, passes: GeneratorPasses) -> Contribution:
        """The term, computed from D's outputs for generated images."""
        loss = -passes.fake_logits.mean()
        return Contribution(loss, (loss.detach(),))


def hinge() -> tuple[Term, ...]:
    """The game's terms."""
    return HingeDiscriminator(), HingeGenerator()
