"""The training loop: batches in, checkpoints, metrics and pictures out."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from infogan_fast.data import ImageData
from infogan_fast.data.workers import worker_deaths_explained
from infogan_fast.evaluation import Evaluation, evaluate, training_accuracies, write_traversals
from infogan_fast.evaluation.traversal import samples_grid, write_picture
from infogan_fast.ops import sample_latents
from infogan_fast.training import randomness
from infogan_fast.training.averaging import AveragedGenerator
from infogan_fast.training.batches import batches_of
from infogan_fast.training.captured import Captured
from infogan_fast.training.checkpoint import (
    Best,
    CheckpointError,
    best_of,
    checkpoints,
    load_checkpoint,
    remove_old,
    save_checkpoint,
    step_of,
)
from infogan_fast.training.config import ConfigError, TrainConfig
from infogan_fast.training.continuation import check_same_run
from infogan_fast.training.metrics import History, Metrics
from infogan_fast.training.networks import build_networks, evaluation_mode
from infogan_fast.training.run_errors import RunFolderError
from infogan_fast.training.run_folder import RunFolder
from infogan_fast.training.schedule import schedule_at
from infogan_fast.training.state import TrainedState
from infogan_fast.training.step import TrainingStep
from infogan_fast.training.tensorboard import TensorBoardLog


class Progress(Protocol):
    """Who is told how the training goes."""

    def update(self, metrics: Metrics) -> None:
        """Called with every line of ``metrics.jsonl``."""


class Trainer:
    """Networks, optimisers and data of one run, from its first step or from its last checkpoint.

    Weights after a given step depend on ``config`` and the data alone, on one machine's CPU with one number of threads:
    continuing from a checkpoint gives the bits of a run that was never interrupted. That holds for a run of the same
    ``config.steps``: the schedules follow the share of the run that is done, so a run that is made longer when it is
    continued is not the run that would have been that long from the start.

    Args:
        config: the settings, with device and width resolved (``device.resolve``).
        data: the images.
        folder: where checkpoints, metrics and pictures go; a checkpoint in it is continued.

    Images that would take more than half of a GPU's free memory stay in the machine's, and batches are copied.

    Raises:
        ConfigError: the batch is larger than the data, the networks do not fit the images, the best checkpoint is to be
            told by labels that there are not, or TensorBoard is not installed or cannot write there.
        CheckpointError: the checkpoint is damaged, or of other networks or settings.
        DataError: the checkpoint's run was trained on other images.
        NonFiniteError: the checkpoint's weights are not finite.
        RunFolderError: another process holds the folder, or a file of it cannot be read.
    """

    def __init__(self, config: TrainConfig, data: ImageData, folder: RunFolder) -> None:
        self.config, self.spec, self.data, self.folder = config, config.spec, data, folder
        self.device = torch.device(config.device)
        self.nets = build_networks(config, data.image_shape).to(self.device).train()
        if self.device.type == "cuda":  # where convolutions are faster so; on a CPU the layers see to it themselves
            self.nets = self.nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.training_step = TrainingStep(self.nets, config)
        self.average = AveragedGenerator(self.nets.generator, config.ema) if config.ema > 0.0 else None
        self.latent_seed = randomness.LatentSeedAtStep(config.seed, self.device)
        self.random_views = randomness.RandomViews(config, self.device, (config.batch_size, *data.image_shape))
        self.batches = batches_of(data, config, self.device)
        on_gpu = self.device.type == "cuda" and config.cuda_graph
        self._update: Callable[[], Tensor] = Captured(self._update_networks) if on_gpu else self._update_networks
        self.history = History(self.spec, min(config.log_every, config.steps), self.device)
        self._state = TrainedState(self.nets, self.training_step, self.average, self.history)
        self._images_sha256 = data.sha256()
        self.step = 0
        self.seconds = 0.0
        self._last_log = (0, 0.0)  # step and seconds
        self.best: Best | None = None
        if config.best_by == "accuracy" and (data.labels is None or not config.categorical):
            missing = "categorical codes" if data.labels is not None else f"labels in {data.name}"
            raise ConfigError(f"best_by: got 'accuracy', but there are no {missing}; allowed: mi_bound")
        with self.folder.held() if folder.path.is_dir() else nullcontext():
            self.continued_from = self._restore()
        self._tensorboard = (
            TensorBoardLog(folder.tensorboard, self.spec.code_names, self.step) if config.tensorboard else None
        )

    def run(self, progress: Progress, stop: Callable[[], bool] = lambda: False) -> None:
        """Train until ``config.steps``, and save a checkpoint there.

        Args:
            progress: who is told.
            stop: asked after each step; where it says so, training ends there, with a checkpoint.

        Raises:
            NonFiniteError: training diverged; the last checkpoint is one from before.
            WriteError: a file cannot be written, as on a full disk; what was saved before is still there.
            DataError: streamed images cannot be read any more; the same holds.
            RunFolderError: another process holds the folder, or has trained in it since this trainer was made.
        """
        with closing(self.batches), worker_deaths_explained(self.data.name), self.folder.held():
            self._check_alone()
            self._run(progress, stop)

    def _check_alone(self) -> None:
        """See that nobody else has trained in the folder while it was not held."""
        found = checkpoints(self.folder.checkpoints)
        if found and step_of(found[-1]) > self.step:
            raise RunFolderError(
                f"{found[-1]}: is of a later step than {self.step}, the last of this trainer: another one has trained "
                "in the folder since; make a new one"
            )

    def _run(self, progress: Progress, stop: Callable[[], bool]) -> None:
        before, started = self.seconds, time.perf_counter()
        stopping = False
        while self.step < self.config.steps and not stopping:
            self.history.append(self._train_one_step())
            self.step += 1
            due = {what for what in ("log", "checkpoint", "picture") if self._is_due(what)}
            stopping = stop()
            if stopping:
                due.add("checkpoint")
            if due:
                self.history.check_finite(self.step)  # the device has caught up after this
                self.seconds = before + time.perf_counter() - started
            if self._is_due("checkpoint"):  # not where a stop was asked for: the best one does not depend on stops
                self._compare_with_best()
            if "log" in due:
                progress.update(self._log())
            if "picture" in due:
                self._draw()
            if "checkpoint" in due:
                self._save()
        self.seconds = before + time.perf_counter() - started

    def _train_one_step(self) -> Tensor:
        """One step; its terms, which the next one may overwrite."""
        self.latent_seed(self.step)
        self.batches.prepare(self.step)
        self.random_views(self.step)
        self.training_step.follow(schedule_at(self.config, self.step))
        if self.average is not None:
            self.average.follow(self.step)
        return self._update()

    def _update_networks(self) -> Tensor:
        """A step's part on the device. What changes from step to step, it reads from tensors that are refilled."""
        latents = sample_latents(self.spec, self.config.batch_size, self.latent_seed.tensor, randomness.TRAINING)
        real = self.batches.images().float().div_(255.0)
        terms = self.training_step.update(real, latents, self.random_views.views, self.random_views.again)
        if self.average is not None:
            self.average.update()
        return terms

    def _is_due(self, what: str) -> bool:
        every: int = getattr(self.config, f"{what}_every")
        if self.step == self.config.steps:
            return what != "picture"  # finish() draws the closing ones
        return every > 0 and self.step % every == 0

    def _log(self) -> Metrics:
        losses, bound = self.history.means()
        self.history.clear()
        step, seconds = self._last_log
        self._last_log = (self.step, self.seconds)
        metrics = Metrics(
            step=self.step,
            seconds=self.seconds,
            images_per_second=(self.step - step) * self.config.batch_size / (self.seconds - seconds),
            losses=losses,
            mi_bound_nats=bound,
            schedule=schedule_at(self.config, self.step - 1),
        )
        self.folder.append_metrics(metrics.to_json())
        if self._tensorboard is not None:
            self._tensorboard.add_metrics(metrics)
        return metrics

    def _draw(self) -> None:
        """One picture of how far the images are: the first categorical code by samples."""
        seed = torch.tensor(self.config.seed, device=self.device)
        grid = samples_grid(self.spec, seed, randomness.PICTURES, 0 if self.spec.categorical else None)
        path = self.folder.traversals / f"step_{self.step:06d}.png"
        with evaluation_mode(self.nets, self.average):
            write_picture(self.nets, grid, path)
        if self._tensorboard is not None:
            self._tensorboard.add_picture("samples", path, self.step)

    def _compare_with_best(self) -> None:
        """Whether the networks as they are now are the best so far, by ``config.best_by``."""
        if self.config.best_by == "mi_bound":
            score = sum(self.history.means()[1])
        else:
            with evaluation_mode(self.nets):
                score = max(accuracy for _, accuracy in training_accuracies(self.nets, self.spec, self.data))
        if self.best is None or score > self.best.score:
            self.best = Best(self.step, score)

    def finish(self) -> tuple[Evaluation, list[Path]]:
        """Evaluate the networks as they are now, with G's average if there is one, and draw the pictures.

        Returns:
            The figures, and the files of the pictures.

        Raises:
            WriteError: a picture cannot be written.
            NonFiniteError: an image or an output of Q is not finite.
            RunFolderError: another process holds the folder.
            DataError: streamed images cannot be read any more.
        """
        seed = torch.tensor(self.config.seed, device=self.device)
        with (
            evaluation_mode(self.nets, self.average),
            worker_deaths_explained(self.data.name),
            self.folder.held(),
        ):
            figures = evaluate(
                self.nets,
                self.spec,
                self.config.variance,
                self.data,
                seed,
                randomness.EVALUATION,
                self.config.evaluation_samples,
            )
            pictures = write_traversals(self.nets, self.spec, seed, randomness.PICTURES, self.folder.traversals)
        if self._tensorboard is not None:
            for path in pictures:
                self._tensorboard.add_picture(f"traversals/{path.stem}", path, self.step)
            self._tensorboard.close()
        return figures, pictures

    def room_needed(self) -> int:
        """Bytes that the checkpoints of the rest of the run take, beside those that are there already."""
        there, every = len(checkpoints(self.folder.checkpoints)), self.config.checkpoint_every
        to_come = -(-self.config.steps // every) - self.step // every if self.step < self.config.steps else 0
        # The best one is kept beside the last ones, and a new one is there before an old one is removed.
        most = min(there + to_come, self.config.keep_checkpoints + 2)
        return max(0, most - there) * self._state.checkpoint_bytes()

    def _save(self) -> None:
        tensors = self._state.tensors(self.step)
        scalars = {
            "seconds": self.seconds,
            "last_log": self._last_log,
            "image_shape": self.data.image_shape,
            "images": len(self.data.images),
            "images_sha256": self._images_sha256,
            "settings": self.config.to_json(),
        }
        save_checkpoint(self.folder.checkpoints, self.step, tensors, scalars, self.config.keep_checkpoints, self.best)

    def _restore(self) -> Path | None:
        """Continue from the last checkpoint of the folder; None if there is none."""
        found = checkpoints(self.folder.checkpoints)
        if not found:
            self.folder.drop_metrics_after(0)  # of a run that was killed before its first checkpoint
            return None
        path = found[-1]
        tensors, scalars = load_checkpoint(path, self.device)
        check_same_run(scalars, path, self.config, self.data, self._images_sha256)
        try:
            self._state.restore(tensors, path)
        except ValueError as error:
            raise error if isinstance(error, CheckpointError) else CheckpointError(f"{path}: {error}") from error
        self.step, self.seconds, self._last_log = scalars["step"], scalars["seconds"], scalars["last_log"]
        self.best = best_of(scalars)
        self.folder.drop_metrics_after(self.step)
        # A run that was killed may not have come to it.
        remove_old(self.folder.checkpoints, self.config.keep_checkpoints, self.best)
        return path
