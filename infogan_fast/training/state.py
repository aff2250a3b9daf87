"""The tensors that training changes: what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from infogan_fast.finite import check_model
from infogan_fast.nets import InfoGAN
from infogan_fast.training.averaging import AveragedGenerator
from infogan_fast.training.checkpoint import entry, load_networks, load_optimizer, optimizer_tensors
from infogan_fast.training.metrics import History, check_weights
from infogan_fast.training.step import TrainingStep


class TrainedState:
    """Networks, the optimisers' moments, the average of G, and the terms since the last line of metrics.

    Args:
        nets: the networks.
        step: with the optimisers.
        average: of the generator, or None.
        history: the terms.
    """

    def __init__(self, nets: InfoGAN, step: TrainingStep, average: AveragedGenerator | None, history: History) -> None:
        self._nets, self._average, self._history = nets, average, history
        self._optimizers = {
            "discriminator_optimizer": step.discriminator_optimizer,
            "generator_optimizer": step.generator_optimizer,
        }

    def tensors(self, step: int) -> dict[str, Tensor]:
        """Everything by name, looked at.

        Args:
            step: training steps done.

        Raises:
            NonFiniteError: a weight or moment is not finite.
        """
        tensors = self._weights()
        check_weights(tensors, step)
        return {**tensors, "history": self._history.rows}

    def _weights(self) -> dict[str, Tensor]:
        tensors = {f"nets.{name}": tensor for name, tensor in self._nets.state_dict().items()}
        for name, optimizer in self._optimizers.items():
            tensors |= optimizer_tensors(optimizer, name)
        if self._average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self._average.module.state_dict().items()}
        return tensors

    def checkpoint_bytes(self) -> int:
        """Size of a checkpoint's tensors, Adam's moments included where no step has made them yet."""
        optimizers = list(self._optimizers.values())
        tensors = list(self._weights().values())
        if not any(optimizer.state for optimizer in optimizers):
            parameters = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
            tensors += 2 * [parameter for parameter in parameters if parameter.requires_grad]
        return sum(tensor.nbytes for tensor in tensors)

    def restore(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Put back what ``tensors`` gave.

        Args:
            tensors: by name, on the networks' device.
            path: of the checkpoint, for messages.

        Raises:
            CheckpointError: a tensor is missing, or has another shape or dtype.
        NonFiniteError: a weight or moment is not finite.
        """
        check_model(tensors, path)
        load_networks(self._nets, "nets", tensors, path)
        for name, optimizer in self._optimizers.items():
            load_optimizer(optimizer, name, tensors, path)
        if self._average is not None:
            load_networks(self._average.module, "average", tensors, path)
        self._history.restore(entry(tensors, "history", path))
