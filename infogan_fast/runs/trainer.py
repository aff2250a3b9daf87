"""The training loop: batches in, checkpoints, metrics and pictures out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

import torch

from infogan_fast.data import ImageData, PythonData, from_python
from infogan_fast.data.workers import worker_deaths_explained
from infogan_fast.evaluation import (
    Evaluation,
    RealData,
    evaluate,
    training_accuracies,
    write_samples,
    write_traversals,
)
from infogan_fast.evaluation.findings import findings
from infogan_fast.model import InfoGAN, evaluation_mode
from infogan_fast.objectives import Term
from infogan_fast.runs.about import about_run
from infogan_fast.runs.checkpoint import (
    Best,
    checkpoints,
    step_of,
)
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.pace import Pace, Tell
from infogan_fast.runs.report import write_report
from infogan_fast.runs.state import RunState
from infogan_fast.runs.summary import about_data, about_objective, about_training
from infogan_fast.runs.tensorboard import TensorBoardLog
from infogan_fast.training import randomness
from infogan_fast.training.device import resolve
from infogan_fast.training.history import Metrics
from infogan_fast.training.loop import TrainingLoop
from infogan_fast.training.schedule import schedule_at
from infogan_fast.training.settings import ConfigError, TrainConfig

#: Who is told how the training goes: called with every line of ``metrics.jsonl``.
Progress: TypeAlias = Callable[[Metrics], None]


class Trainer:
    """Networks, optimisers and data of one run, from its first step or from its last checkpoint.

    Weights after a given step depend on ``config`` and the data alone, on one machine's CPU with one number of threads:
    resuming from a checkpoint gives the bits of a run that was never interrupted. That holds for a run of the same
    ``config.steps``: the schedules follow the fraction of the run that is done, so a run that is made longer when it is
    resumed is not the run that would have been that long from the start.

    Args:
        config: the settings.
        data: the images, or whatever else is to be generated, as ``infogan_fast.data.load`` gives it, or as
            ``from_python`` takes it.
        folder: the run folder, made if missing, which gets settings, metrics, checkpoints and pictures; the run is
            resumed from the last checkpoint in it.
        model: networks of the user's own, which are trained in place; None for the built-in ones.
        terms: of the user's own, beside those of the settings.

    Raises:
        ConfigError: the batch is larger than the data, the networks do not fit the images, the best checkpoint is to be
            told by labels that there are not, or TensorBoard is not installed or cannot write there.
        CheckpointError: the checkpoint is damaged, or of other networks or settings.
        DataError: the checkpoint's run was trained on other images.
        NonFiniteError: the checkpoint's weights are not finite.
        RunFolderError: another process holds the folder, or a file of it cannot be read.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: ImageData | PythonData,
        folder: RunFolder | str | os.PathLike[str],
        model: InfoGAN | None = None,
        terms: Sequence[Term] = (),
    ) -> None:
        self.config, _ = resolve(config)
        data = from_python(data)
        self.spec, self.data, self._terms = config.spec, data, terms
        self.folder = folder if isinstance(folder, RunFolder) else RunFolder(Path(folder))
        self.loop = TrainingLoop(self.config, data, model, terms)
        self._real = RealData.of(data)
        self._state = RunState(self.loop, data, self.folder, self._real.value_range)
        if config.best_by == "accuracy" and (data.labels is None or not config.categorical):
            missing = "categorical codes" if data.labels is not None else f"labels in {data.name}"
            raise ConfigError(f"best_by: got 'accuracy', but there are no {missing}; allowed: mi_bound")
        with self.folder.held() if self.folder.path.is_dir() else nullcontext():
            self.resumed_from = self._state.restore()
        self._tensorboard = (
            TensorBoardLog(self.folder.tensorboard, self.spec.code_names, self.step) if config.tensorboard else None
        )

    @property
    def model(self) -> InfoGAN:
        """The networks that are trained."""
        return self.loop.model

    @property
    def step(self) -> int:
        """Training steps done."""
        return self.loop.step

    @property
    def seconds(self) -> float:
        """Seconds of training until now, pictures and checkpoints included."""
        return self._state.seconds

    @property
    def best(self) -> Best | None:
        """The best checkpoint so far."""
        return self._state.best

    def run(
        self,
        progress: Progress | None = None,
        stop: Callable[[], bool] = lambda: False,
        tell: Tell | None = None,
    ) -> None:
        """Train until ``config.steps``, and save a checkpoint there.

        Args:
            progress: called with every line of ``metrics.jsonl``, if not None.
            stop: asked after each step; where it says so, training ends there, with a checkpoint.
            tell: called after the first steps with lines that say how long the run will take (``Pace``), if not None.

        Raises:
            NonFiniteError: training diverged; the last checkpoint is one from before.
            WriteError: a file cannot be written, as on a full disk; what was saved before is still there.
            DataError: streamed images cannot be read any more; the same holds.
            RunFolderError: another process holds the folder, or has trained in it since this trainer was made.
        """
        with (
            closing(self.loop.inputs.batches),
            worker_deaths_explained(self.data.name),
            self.folder.held(),
            randomness.generators_restored(self.loop.device),  # networks of the user's own may draw from them
            torch.enable_grad(),
            torch.autocast(self.loop.device.type, enabled=False),
        ):
            self._check_alone()
            if not self.folder.is_run:
                self.folder.write_config(self.config, about_run(self.model, self._terms))
            self._run(progress, stop, tell)

    def _check_alone(self) -> None:
        """See that nobody else has trained in the folder while it was not held."""
        found = checkpoints(self.folder.checkpoints)
        if found and step_of(found[-1]) > self.step:
            raise RunFolderError(
                f"{found[-1]}: is of a later step than {self.step}, the last of this trainer: another one has trained "
                "in the folder since; make a new one"
            )

    def _run(self, progress: Progress | None, stop: Callable[[], bool], tell: Tell | None) -> None:
        before, started = self.seconds, time.perf_counter()
        pace = Pace(self.loop, self.data.shape, tell)
        stopping = False
        while self.step < self.config.steps and not stopping:
            pace.advance()
            due = {what for what in ("log", "checkpoint", "picture") if self._is_due(what)}
            stopping = stop()
            if stopping:
                due.add("checkpoint")
            if due:
                self.loop.history.check_finite(self.step)  # the device has caught up after this
                self._state.seconds = before + time.perf_counter() - started
            if self._is_due("checkpoint"):  # not where a stop was asked for: the best one does not depend on stops
                self._compare_with_best()
            metrics = self._log() if "log" in due else None
            if "picture" in due:
                self._draw()
            if "checkpoint" in due:
                self._state.save()
            if metrics is not None and progress is not None:
                try:
                    progress(metrics)
                except BaseException:  # the step is whole, and nothing of it is to be lost
                    if "checkpoint" not in due:
                        self._state.save()
                    raise
        self._state.seconds = before + time.perf_counter() - started

    def _is_due(self, what: str) -> bool:
        every: int = getattr(self.config, f"{what}_every")
        if self.step == self.config.steps:
            return what != "picture"  # evaluate() draws the closing ones
        return every > 0 and self.step % every == 0

    def _log(self) -> Metrics:
        losses, bound = self.loop.history.means()
        self.loop.history.clear()
        step, seconds = self._state.last_log
        images = self.config.batch_size * self.config.discriminator_updates  # of a step
        self._state.last_log = (self.step, self.seconds)
        metrics = Metrics(
            step=self.step,
            seconds=self.seconds,
            images_per_second=(self.step - step) * images / (self.seconds - seconds),
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
        seed = torch.tensor(self.config.seed, device=self.loop.device)
        path = self.folder.traversals / f"step_{self.step:06d}.png"
        with self._evaluating():
            written = write_samples(self.model, seed, randomness.PICTURES, path, self._real)
        if written and self._tensorboard is not None:
            self._tensorboard.add_picture("samples", path, self.step)

    def _compare_with_best(self) -> None:
        """Whether the networks as they are now are the best so far, by ``config.best_by``."""
        if self.config.best_by == "mi_bound":
            score = sum(self.loop.history.means()[1])
        else:
            score = max(accuracy for _, accuracy in training_accuracies(self.model, self.data))
        self._state.compare_with_best(score)

    def finish(self) -> dict[str, Any]:
        """Evaluate the networks, draw the pictures and write ``summary.json`` and ``report.html``.

        The run folder is let go of afterwards.

        Returns:
            What ``summary.json`` holds.

        Raises:
            WriteError, NonFiniteError, RunFolderError, DataError: as ``evaluate``.
        """
        with self.folder.held():
            evaluation, pictures = self.evaluate()
            summary = {
                **evaluation.to_json(),
                **about_objective(self.config),
                **about_training(self.config, self.step, self.seconds),
                **about_data(self.data),
                "pictures": [path.relative_to(self.folder.path).as_posix() for path in pictures],
            }
            summary["findings"] = findings(summary, self.config, self.folder.read_metrics(self.spec.num_codes))
            self.folder.write_summary(summary)
            write_report(self.folder)
        self.folder.release()
        return summary

    def evaluate(self) -> tuple[Evaluation, list[Path]]:
        """Evaluate the networks as they are now, with the EMA of G if there is one, and draw the pictures.

        Returns:
            The metrics, and the files of the pictures.

        Raises:
            WriteError: a picture cannot be written.
            NonFiniteError: an image or an output of Q is not finite.
            RunFolderError: another process holds the folder.
            DataError: streamed images cannot be read any more.
        """
        seed = torch.tensor(self.config.seed, device=self.loop.device)
        with (
            self._evaluating(),
            worker_deaths_explained(self.data.name),
            self.folder.held(),
            randomness.generators_restored(self.loop.device),
        ):
            randomness.seed_networks(self.config.seed, self.step)
            metrics = evaluate(self.model, self.data, seed, randomness.EVALUATION, self.config.evaluation_samples)
            pictures = write_traversals(self.model, seed, randomness.PICTURES, self.folder.traversals, self._real)
        if self._tensorboard is not None:
            for path in pictures:
                self._tensorboard.add_picture(f"traversals/{path.stem}", path, self.step)
            self._tensorboard.close()
        return metrics, pictures

    def _evaluating(self) -> AbstractContextManager[None]:
        """While it lasts, the networks are in evaluation mode, with the EMA of G if there is one."""
        return evaluation_mode(self.model, None if self.loop.ema is None else self.loop.ema.module)

    def evaluated_model(self) -> InfoGAN:
        """The networks that were evaluated, in evaluation mode; G is given the weights of its EMA, if there is one."""
        if self.loop.ema is not None:
            self.model.generator.load_state_dict(self.loop.ema.module.state_dict())
        return self.model.eval()

    def room_needed(self) -> int:
        """Bytes that the checkpoints of the rest of the run take, beside those that are there already."""
        return self._state.room_needed()
