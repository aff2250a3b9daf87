"""The tensors that training changes: what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from infogan_fast.finite import check_model
from infogan_fast.runs.checkpoint import entry, load_networks, load_optimizer, optimizer_tensors
from infogan_fast.training.history import check_weights
from infogan_fast.training.loop import TrainingLoop


class TrainedState:
    """Networks, the optimisers' moments, the average of G, and the metrics since the last line of ``metrics.jsonl``."""

    def __init__(self, loop: TrainingLoop) -> None:
        self._model, self._ema, self._history = loop.model, loop.ema, loop.history
        self._optimizers = {
            "discriminator_optimizer": loop.training_step.discriminator_optimizer,
            "generator_optimizer": loop.training_step.generator_optimizer,
        }

    def tensors(self, step: int) -> dict[str, Tensor]:
        """All of them by name, after a check that they are finite.

        Args:
            step: training steps done.

        Raises:
            NonFiniteError: a weight or moment is not finite.
        """
        tensors = self._weights()
        check_weights(tensors, step)
        return {**tensors, "history": self._history.rows}

    def _weights(self) -> dict[str, Tensor]:
        tensors = {f"model.{name}": tensor for name, tensor in self._model.state_dict().items()}
        for name, optimizer in self._optimizers.items():
            tensors |= optimizer_tensors(optimizer, name)
        if self._ema is not None:
            tensors |= {f"ema.{name}": tensor for name, tensor in self._ema.module.state_dict().items()}
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
        load_networks(self._model, "model", tensors, path)
        for name, optimizer in self._optimizers.items():
            load_optimizer(optimizer, name, tensors, path)
        if self._ema is not None:
            load_networks(self._ema.module, "ema", tensors, path)
        self._history.restore(entry(tensors, "history", path))
