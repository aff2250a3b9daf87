"""A running average of a generator's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class GeneratorEMA:
    """An exponential moving average of a generator (Yazici et al. 2019, arXiv 1806.04498): weights and buffers.

    The decay begins small, ``(1 + step) / (10 + step)``, so that the initial weights are soon forgotten.

    Args:
        generator: the one that is trained; the average begins as a copy of it.
        decay: the largest decay per step, ``0 <= decay < 1``.
    """

    def __init__(self, generator: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(generator).requires_grad_(False)
        """The generator with averaged weights."""
        self._decay = decay
        trained, averaged = _tensors(generator), _tensors(self.module)
        pairs = list(zip(trained, averaged, strict=True))
        self._trained, self._averaged = _columns([pair for pair in pairs if pair[0].is_floating_point()])
        self._counts, self._copied_counts = _columns([pair for pair in pairs if not pair[0].is_floating_point()])
        self._fraction = torch.zeros((), device=self._trained[0].device)  # refilled, so a captured step reads it afresh

    def follow(self, step: int) -> None:
        """Set the decay of the update to come.

        Args:
            step: training steps done before.
        """
        self._fraction.fill_(1.0 - min(self._decay, (1.0 + step) / (10.0 + step)))

    @torch.no_grad()
    def update(self) -> None:
        """Take in the generator as it is now."""
        changes = torch._foreach_sub(self._trained, self._averaged)
        torch._foreach_mul_(changes, self._fraction)
        torch._foreach_add_(self._averaged, changes)
        if self._counts:
            torch._foreach_copy_(self._copied_counts, self._counts)


def _tensors(module: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*module.parameters(), *module.buffers())]


def _columns(pairs: list[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    return [first for first, _ in pairs], [second for _, second in pairs]
