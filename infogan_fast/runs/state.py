"""What training changes, and the checkpoints that hold it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from infogan_fast.data import DataError, ImageData
from infogan_fast.data.stored import sha256_of
from infogan_fast.finite import check_model
from infogan_fast.runs.checkpoint import (
    Best,
    CheckpointError,
    best_of,
    checkpoints,
    entry,
    load_checkpoint,
    load_networks,
    load_optimizer,
    optimizer_tensors,
    remove_old,
    save_checkpoint,
)
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.resume import check_same_run
from infogan_fast.runs.tensor_file import DTYPES
from infogan_fast.training.history import check_weights
from infogan_fast.training.loop import TrainingLoop
from infogan_fast.training.settings import ConfigError

_ADVICE = "; a buffer that does not change can be registered with persistent=False"


class TrainedState:
    """Networks, the optimisers' moments, the average of G, and the metrics since the last line of ``metrics.jsonl``."""

    def __init__(self, loop: TrainingLoop) -> None:
        self._model, self._ema, self._history = loop.model, loop.ema, loop.history
        self._optimizers = {
            "discriminator_optimizer": loop.training_step.discriminator_optimizer,
            "generator_optimizer": loop.training_step.generator_optimizer,
        }

    def tensors(self, step: int) -> dict[str, Tensor]:
        """The tensors by name, after a check that they are finite.

        Args:
            step: training steps done.

        Raises:
            NonFiniteError: a weight or moment is not finite.
        """
        tensors = self._weights()
        check_weights(tensors, step)
        return {**tensors, "history": self._history.rows}

    def _weights(self) -> dict[str, Tensor]:
        tensors = self._networks()
        for name, optimizer in self._optimizers.items():
            tensors |= optimizer_tensors(optimizer, name)
        return _apart(tensors)

    def _networks(self) -> dict[str, Tensor]:
        tensors = {f"model.{name}": tensor for name, tensor in self._model.state_dict().items()}
        if self._ema is not None:
            tensors |= {f"ema.{name}": tensor for name, tensor in self._ema.module.state_dict().items()}
        return tensors

    def check(self) -> None:
        """Whether everything can be saved, asked before training.

        Raises:
            ConfigError: a tensor has a dtype that a checkpoint does not hold, or a value that is not finite.
        """
        for name, tensor in self._networks().items():
            if not isinstance(tensor, Tensor) or tensor.dtype not in DTYPES:
                got = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
                raise ConfigError(f"model: {name}: got {got}, allowed: {', '.join(map(str, DTYPES))}{_ADVICE}")
            if not bool(tensor.isfinite().all()):
                raise ConfigError(f"model: {name}: got values that are not finite, which no checkpoint holds{_ADVICE}")

    def checkpoint_bytes(self) -> int:
        """Size of a checkpoint's tensors, Adam's two moments included where no step has made them yet."""
        groups = [group for optimizer in self._optimizers.values() for group in optimizer.param_groups]
        trained = [parameter for group in groups for parameter in group["params"] if parameter.requires_grad]
        return sum(tensor.nbytes for tensor in (*self._networks().values(), *trained, *trained))

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


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, those that share memory with one before, as tied weights do, as copies."""
    seen: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if storage in seen and tensor.numel() > 0 else tensor
        seen.add(storage)
    return apart


class RunState:
    """A run as its checkpoints hold it.

    Args:
        loop: the training.
        data: what it is trained on.
        folder: of the run.
        value_range: of the data, for pictures.
    """

    def __init__(
        self, loop: TrainingLoop, data: ImageData, folder: RunFolder, value_range: tuple[float, float]
    ) -> None:
        self._loop, self._data, self._folder, self._value_range = loop, data, folder, value_range
        self._trained, self._images_sha256 = TrainedState(loop), data.sha256()
        self._trained.check()
        self._labels_sha256 = sha256_of(data.labels) if loop.reads_labels and data.labels is not None else None
        self.seconds = 0.0
        """Seconds of training until now."""
        self.last_log = (0, 0.0)
        """Step and seconds at the last line of metrics."""
        self.best: Best | None = None
        """The best checkpoint."""

    def room_needed(self) -> int:
        """Bytes that the checkpoints of the rest of the run take, beside those that are there already."""
        config, step = self._loop.config, self._loop.step
        there, every = len(checkpoints(self._folder.checkpoints)), config.checkpoint_every
        to_come = -(-config.steps // every) - step // every if step < config.steps else 0
        # The best one is kept beside the last ones, and a new one is there before an old one is removed.
        most = min(there + to_come, config.keep_checkpoints + 2)
        return max(0, most - there) * self._trained.checkpoint_bytes()

    def compare_with_best(self, score: float) -> None:
        """Note the networks as they are now as the best so far, if their score is higher than that of all before."""
        if self.best is None or score > self.best.score:
            self.best = Best(self._loop.step, score)

    def save(self) -> None:
        """Write a checkpoint, and remove those that are not to be kept.

        Raises:
            NonFiniteError: a weight is not finite.
            WriteError: it cannot be written.
        """
        config = self._loop.config
        tensors = self._trained.tensors(self._loop.step)
        scalars = {
            "seconds": self.seconds,
            "last_log": self.last_log,
            "shape": self._data.shape,
            "value_range": self._value_range,
            "networks": self._loop.model.class_names,
            "images": len(self._data.images),
            "images_sha256": self._images_sha256,
            "labels_sha256": self._labels_sha256,
            "metrics": self._loop.training_step.metrics,
            "settings": config.to_json(),
        }
        folder = self._folder.checkpoints
        save_checkpoint(folder, self._loop.step, tensors, scalars, config.keep_checkpoints, self.best)

    def restore(self) -> Path | None:
        """Go back to the last checkpoint of the folder, which is returned; None if there is none."""
        found = checkpoints(self._folder.checkpoints)
        if not found:
            self._folder.drop_metrics_after(0)  # of a run that was killed before its first checkpoint
            return None
        path, config = found[-1], self._loop.config
        tensors, scalars = load_checkpoint(path, self._loop.device)
        check_same_run(scalars, path, config, self._data, self._images_sha256)
        if tuple(scalars["metrics"]) != self._loop.training_step.metrics:
            was, now = (", ".join(names) for names in (scalars["metrics"], self._loop.training_step.metrics))
            raise CheckpointError(f"{path}: was written with other terms: they logged {was}, and these log {now}")
        if scalars["labels_sha256"] != self._labels_sha256:
            raise DataError(f"{self._data.name}: its labels, which the objective reads, are not those of the run")
        try:
            self._trained.restore(tensors, path)
        except ValueError as error:
            raise error if isinstance(error, CheckpointError) else CheckpointError(f"{path}: {error}") from error
        self._loop.step, self.seconds, self.last_log = scalars["step"], scalars["seconds"], scalars["last_log"]
        self.best = best_of(scalars)
        self._folder.drop_metrics_after(self._loop.step)
        # A run that was killed may not have come to it.
        remove_old(self._folder.checkpoints, config.keep_checkpoints, self.best)
        return path
