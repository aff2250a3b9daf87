"""A running average of a generator's weights."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor, nn


class GeneratorEMA:
    """An exponential moving average of a generator (Yazici et al. 2019, arXiv 1806.04498).

    Weights and the running statistics of batch normalisation are averaged, other buffers copied.

    The decay begins small, ``(1 + step) / (10 + step)``, so that the initial weights are soon forgotten.

    Args:
        generator: the one that is trained; the average begins as a copy of it.
        decay: the largest decay per step, ``0 <= decay < 1``.
    """

    def __init__(self, generator: nn.Module, decay: float) -> None:
        self._generator, self._decay = generator, decay
        self.module = copy.deepcopy(generator).requires_grad_(False)
        """The generator with averaged weights."""
        device = next(itertools.chain(generator.parameters(), generator.buffers()), torch.empty(0)).device
        self._fraction = torch.zeros((), device=device)  # refilled, so a captured step reads it afresh

    def follow(self, step: int) -> None:
        """Set the decay of the update to come.

        Args:
            step: training steps done before.
        """
        self._fraction.fill_(1.0 - min(self._decay, (1.0 + step) / (10.0 + step)))

    @torch.no_grad()
    def update(self) -> None:
        """Take in the generator as it is now."""
        # Looked up each time: a module may replace its tensors.
        trained, averaged = _averaged(self._generator), _averaged(self.module)
        if trained:
            changes = torch._foreach_sub(trained, averaged)
            torch._foreach_mul_(changes, self._fraction)
            torch._foreach_add_(averaged, changes)
        for copied, tensor in zip(_copied(self.module), _copied(self._generator), strict=True):
            copied.copy_(tensor)


def _averaged(module: nn.Module) -> list[Tensor]:
    """The parameters, and the running statistics of normalisations."""
    return [*(parameter.detach() for parameter in module.parameters()), *_buffers(module, True)]


def _copied(module: nn.Module) -> list[Tensor]:
    """The other buffers, such as counts and the vectors of spectral normalisation, of which a mean means nothing."""
    return _buffers(module, False)


def _buffers(module: nn.Module, statistics: bool) -> list[Tensor]:
    averaged = ("running_mean", "running_var")
    return [buffer for name, buffer in module.named_buffers() if name.endswith(averaged) == statistics]
