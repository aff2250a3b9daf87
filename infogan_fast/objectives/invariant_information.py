"""Mutual information of a categorical posterior for two views of the same images (Ji, Henriques, Vedaldi 2019)."""

from __future__ import annotations

import torch
from torch import Tensor


def invariant_information(logits: Tensor, logits_again: Tensor) -> Tensor:
    """How much the category of one view of an image tells about that of another, in nats, 0-d; from 0 to ``log K``.

    It is ``log K`` where both views always get the same category and all categories are equally frequent (Invariant
    Information Clustering, arXiv 1807.06653, equations 2 and 3, with the joint distribution made symmetric).

    Args:
        logits, logits_again: ``[B, K]`` for two views of the same B images, in the same order.
    """
    joint = logits.softmax(dim=1).T @ logits_again.softmax(dim=1) / len(logits)
    joint = ((joint + joint.T) / 2.0).clamp_min(torch.finfo(joint.dtype).tiny)  # p log p is 0 there, and not NaN
    marginal = joint.sum(dim=0)
    return (joint * (joint.log() - marginal.log() - marginal.log()[:, None])).sum()
