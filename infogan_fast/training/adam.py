"""Adam as the step calls it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass
class _Group:
    """What the fused update of a group is called with, for the parameters that had a gradient when this was made."""

    settings: dict[str, Any]
    parameters: list[Tensor]
    others: list[Tensor]
    means: list[Tensor]
    variances: list[Tensor]
    steps: list[Tensor]

    def gradients(self) -> list[Tensor] | None:
        """Of the parameters, if they and no others have one."""
        gradients = [parameter.grad for parameter in self.parameters]
        if any(g is None for g in gradients) or any(parameter.grad is not None for parameter in self.others):
            return None
        return gradients  # type: ignore[return-value]


class FusedAdam(torch.optim.Adam):
    """``torch.optim.Adam(fused=True)`` whose steps on a CPU call the fused update at once.

    torch's own step looks at every parameter anew, which at small networks takes longer than the update; here the lists
    are made once, and again where other parameters have a gradient. State, ``state_dict`` and results are torch's, bit
    for bit.

    Args:
        groups: lists of parameters, each with a learning rate of its own, which is 0 until it is set.
        betas: decay rates of the two moments.
        captured: for steps in a CUDA graph: the learning rates are tensors on the device, where the graph reads them.
    """

    def __init__(self, groups: Sequence[Sequence[nn.Parameter]], betas: tuple[float, float], captured: bool) -> None:
        device = next((parameter.device for group in groups for parameter in group), torch.device("cpu"))
        rates: list[Any] = [torch.zeros((), device=device) if captured else 0.0 for _ in groups]
        settings = [{"params": group, "lr": rate} for group, rate in zip(groups, rates, strict=True)]
        super().__init__(settings, betas=betas, fused=True, capturable=captured)
        self._on_cpu = device.type == "cpu"
        self._groups: list[_Group] = []

    def set_rates(self, *rates: float) -> None:
        """Set the learning rate of each group."""
        for group, rate in zip(self.param_groups, rates, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def zero_grad(self, set_to_none: bool = True) -> None:
        """As torch's, without its bookkeeping."""
        if not set_to_none:
            super().zero_grad(set_to_none=False)
            return
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """As torch's."""
        gradients = [group.gradients() for group in self._groups]
        if closure is not None or not gradients or any(of_group is None for of_group in gradients):
            result = super().step(closure)
            self._groups = [self._group_of(settings) for settings in self.param_groups] if self._on_cpu else []
            return result
        with torch.no_grad():
            for group, of_group in zip(self._groups, gradients, strict=True):
                if of_group:
                    _update(group, of_group)
        return None

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As torch's."""
        self._groups = []  # which hold the state that was
        super().load_state_dict(state_dict)

    def _group_of(self, settings: dict[str, Any]) -> _Group:
        moved = [parameter for parameter in settings["params"] if parameter.grad is not None]
        others = [parameter for parameter in settings["params"] if parameter.grad is None]
        states = [self.state[parameter] for parameter in moved]
        return _Group(
            settings,
            moved,
            others,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [state["step"] for state in states],
        )


def _update(group: _Group, gradients: list[Tensor]) -> None:
    settings = group.settings
    beta1, beta2 = settings["betas"]
    torch._foreach_add_(group.steps, 1)
    torch._fused_adam_(
        group.parameters,
        gradients,
        group.means,
        group.variances,
        [],
        group.steps,
        lr=settings["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=settings["weight_decay"],
        eps=settings["eps"],
        amsgrad=settings["amsgrad"],
        maximize=settings["maximize"],
    )
