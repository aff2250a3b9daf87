"""Mutual information of Q's categories for two views of the same real images (Ji, Henriques, Vedaldi 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

from infogan_fast.objectives.term import Contribution, DiscriminatorPasses, DiscriminatorTerm
from infogan_fast.spec import LatentSpec, Variance


class RealInformation(DiscriminatorTerm):
    """Minus ``weight`` times the information that Q's category for one view has about that for another.

    Summed over the categorical codes. It needs no labels, and trains Q and the trunk.

    Args:
        spec: the latent variables, with at least one categorical code.
        variance: of Q's Gaussians, as in ``info_loss``.
        weight: per nat.
        entropy: how much the entropy of the categories counts within the information, the lambda of the authors' code;
            above 1 it keeps categories from merging.
    """

    inputs = frozenset({"second_view"})
    metrics = ("real_information",)

    def __init__(self, spec: LatentSpec, variance: Variance, weight: float, entropy: float = 1.0) -> None:
        self._spec, self._variance, self._weight, self._entropy = spec, variance, weight, entropy

    def __call__(self, passes: DiscriminatorPasses) -> Contribution:
        """The term, computed from Q's output for two views; the metric is the information in nats, without weights."""
        assert passes.real_head is not None
        assert passes.second_view_head is not None
        heads = passes.real_head, passes.second_view_head
        views = [self._spec.split(head, self._variance).logits for head in heads]
        information = torch.stack([invariant_information(*logits) for logits in zip(*views, strict=True)]).sum()
        objective = information
        if self._entropy != 1.0:
            marginals = [marginal_entropy(*logits) for logits in zip(*views, strict=True)]
            objective = information + 2.0 * (self._entropy - 1.0) * torch.stack(marginals).sum()
        return Contribution(-self._weight * objective, (information.detach(),))


def invariant_information(logits: Tensor, second_view_logits: Tensor) -> Tensor:
    """How much the category of one view of an image tells about that of another, in nats, 0-d; from 0 to ``log K``.

    It is ``log K`` where both views always get the same category and all categories are equally frequent (Invariant
    Information Clustering, arXiv 1807.06653, equations 2 and 3, with the joint distribution made symmetric).

    Args:
        logits: ``[B, K]`` for one view of B images.
        second_view_logits: ``[B, K]`` for another view of the same images, in the same order.
    """
    joint = logits.softmax(dim=1).T @ second_view_logits.softmax(dim=1) / len(logits)
    joint = ((joint + joint.T) / 2.0).clamp_min(torch.finfo(joint.dtype).tiny)  # p log p is 0 there, and not NaN
    marginal = joint.sum(dim=0)
    return (joint * (joint.log() - marginal.log() - marginal.log()[:, None])).sum()


def marginal_entropy(logits: Tensor, second_view_logits: Tensor) -> Tensor:
    """The entropy of the categories over both views of all images, in nats, 0-d; from 0 to ``log K``.

    ``invariant_information`` is twice this less the entropy of the joint distribution.

    Args:
        logits: ``[B, K]`` for one view of B images.
        second_view_logits: ``[B, K]`` for another view of the same images, in the same order.
    """
    marginal = torch.cat((logits, second_view_logits)).softmax(dim=1).mean(dim=0)
    return -(marginal * marginal.clamp_min(torch.finfo(marginal.dtype).tiny).log()).sum()
