"""The information loss, in the update of D and Q and in that of G (Chen et al. 2016, equation 6)."""

from __future__ import annotations

from infogan_fast.loss import InfoLoss
from infogan_fast.objectives.term import (
    Contribution,
    DiscriminatorPasses,
    DiscriminatorTerm,
    GeneratorPasses,
    GeneratorTerm,
)
from infogan_fast.spec import LatentSpec


def nll_names(spec: LatentSpec) -> tuple[str, ...]:
    """Names of the negative log-likelihoods of the codes among the metrics, from which L_I is made."""
    return tuple(f"nll of {name}" for name in spec.code_names)


class DiscriminatorInformation(DiscriminatorTerm):
    """The information loss on generated images that trains Q, and the trunk that it shares with D.

    Args:
        loss: with ``return_terms``.
    """

    def __init__(self, loss: InfoLoss) -> None:
        self._loss = loss

    @property
    def metrics(self) -> tuple[str, ...]:
        """The loss; the largest absolute value of Q's output, which grows before Q diverges; -log Q of each code."""
        return "discriminator_information_loss", "head_abs_max", *nll_names(self._loss.spec)

    def __call__(self, passes: DiscriminatorPasses) -> Contribution:
        """The term, computed from Q's output for generated images."""
        loss, nll = self._loss(passes.fake_head, passes.latents, passes.code_weight_scale)
        return Contribution(loss, (loss.detach(), passes.fake_head.detach().abs().amax(), nll))


class GeneratorInformation(GeneratorTerm):
    """The information loss that makes G show the code, after D's update and on another view of the images.

    Args:
        loss: with ``return_terms``.
    """

    reads_q = True
    metrics = ("generator_information_loss",)

    def __init__(self, loss: InfoLoss) -> None:
        self._loss = loss

    def __call__(self, passes: GeneratorPasses) -> Contribution:
        """The term, computed from Q's output for generated images."""
        assert passes.fake_head is not None
        loss, _ = self._loss(passes.fake_head, passes.latents, passes.code_weight_scale)
        return Contribution(loss, (loss.detach(),))
