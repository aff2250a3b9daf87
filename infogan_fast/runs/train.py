"""Training from Python: a run with all that the command line makes of one."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infogan_fast import data as datasets
from infogan_fast.model import InfoGAN
from infogan_fast.objectives import Term
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.interrupt import stop_on_signals
from infogan_fast.runs.load import Run
from infogan_fast.runs.new_folder import new_run_folder
from infogan_fast.runs.resume import check_resumable, resumed_config
from infogan_fast.runs.start import start
from infogan_fast.runs.trainer import Progress
from infogan_fast.training.device import resolve
from infogan_fast.training.overrides import settings_of
from infogan_fast.training.presets import DEFAULT_PRESET, IMAGES_PRESET, PLAIN_PRESET, preset
from infogan_fast.training.settings import OWN_DATA, OWN_NETWORKS, ConfigError, TrainConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import Dataset

_log = logging.getLogger(__name__)


def train(
    preset_name: str | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | datasets.ImageData | Tensor | Dataset[Any] | None = None,
    heldout: Tensor | Dataset[Any] | None = None,
    model: InfoGAN | None = None,
    terms: Sequence[Term] = (),
    resume: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> Run:
    """Train an InfoGAN, evaluate it, draw what its codes do and write a report, as ``infogan-fast train`` does.

    ``ig.train("mnist5k", out="runs/x", seed=0, steps=500)``, or, of one's own,
    ``ig.train(out="runs/y", data=tensor, model=model, steps=2000)``.

    The latent code of ``model`` is that of the run. Ctrl-C, or a signal that asks the process to end, ends the training
    after the step at hand with a checkpoint, from which ``resume=True`` goes on.

    Args:
        preset_name: settings to begin with, one of ``infogan_fast.training.PRESETS``; None for ``plain``, which has the
            paper's loss and neither augmentation nor schedules, with networks of one's own; else for ``images`` where
            ``data`` is a folder of image files or a data set that stands for one, and for ``mnist5k`` elsewhere.
        out: the run folder, made if missing; None for ``runs/<preset>``, with a number after it where that is taken.
        data: the name or path of a data set, as ``--data`` takes it; or a tensor or array, or a data set of torch, with
            or without labels. uint8 stands for images from 0 to 255; floating point, ``[N, *shape]`` of any shape, is
            taken as it is. None for the preset's.
        heldout: data of the same kind that are not trained on, for the accuracy.
        model: networks of one's own, which are trained in place; None for the built-in ones.
        terms: terms of one's own in the losses, beside those of the settings.
        resume: whether to resume the run in ``out``, with the same ``data``, ``model`` and ``terms`` again.
        progress: called with every line of metrics; ``print`` will do.
        **settings: of ``TrainConfig``, in the place of the preset's, such as ``steps=2000``.

    Returns:
        The run.

    Raises:
        ConfigError: a setting is unknown or not allowed, or networks, latent code and data do not fit each other.
        DataError: the data cannot be had, or, on resuming, are others than those of the run.
        RunFolderError, CheckpointError: the folder is in use, not empty, or holds no run that could be resumed.
        NonFiniteError: training diverged.
        WriteError: a file cannot be written; all that was saved before is still there.
        KeyboardInterrupt: it was interrupted, and saved.
    """
    if not isinstance(preset_name, str | None):
        raise ConfigError(f"preset: got {type(preset_name).__name__}, allowed: a name; data are given as data=")
    overrides = settings_of(settings)
    own_data = _own_data(data, heldout, overrides)
    if isinstance(data, (str, os.PathLike)):
        overrides["data"] = os.fspath(data)
    elif own_data is not None:
        overrides["data"] = OWN_DATA
    if model is not None:
        overrides |= _settings_of_model(model, overrides)
    folder, config, notes = prepare(
        None if out is None else Path(out),
        preset_name,
        overrides,
        resume=resume,
        default_preset=None if model is None else PLAIN_PRESET,
    )
    try:
        for note in notes:
            _log.info(note)
        try:
            trainer = start(config, folder, data=own_data, model=model, terms=terms)
        except BaseException:
            folder.remove_if_unused()
            raise
        with stop_on_signals() as stop:
            trainer.run(progress, stop, _log.info)
        if stop.signal is not None:
            _end_as_asked(stop.signal, f"after step {trainer.step}, saved in {folder.path}; resume=True goes on")
        summary = trainer.finish()
    finally:
        folder.release()
    return Run(trainer.evaluated_model(), config, summary, folder.path)


def prepare(
    out: Path | None,
    preset_name: str | None,
    overrides: dict[str, Any],
    *,
    resume: bool = False,
    or_start: bool = False,
    default_preset: str | None = None,
) -> tuple[RunFolder, TrainConfig, list[str]]:
    """The folder of a run, held, its settings with device and width resolved, and notes for the user.

    Args:
        out: the run folder; None for a new one.
        preset_name: that was asked for, or None.
        overrides: settings in the place of the preset's.
        resume: whether to resume the run in ``out``.
        or_start: whether to start it there, if there is none.
        default_preset: that of a new run where none was asked for; None for the one that suits the data.

    Raises:
        ConfigError, RunFolderError: as ``train``.
    """
    if overrides.get("data", OWN_DATA) != OWN_DATA:
        overrides = {**overrides, "data": datasets.canonical(overrides["data"])}
    folder = None if out is None else RunFolder(out)
    if resume or or_start:
        check_resumable(folder, or_start)
        if folder is not None and folder.is_run:
            folder.hold()
            try:
                return folder, *resumed_config(folder, preset_name, overrides)
            except BaseException:
                folder.release()
                raise
    name = preset_name if preset_name is not None else default_preset or preset_for(overrides)
    config, notes = resolve(dataclasses.replace(preset(name), **overrides))
    if name == IMAGES_PRESET and preset_name is None:
        notes.insert(0, f"preset: {name}, chosen for images of one's own; --preset {DEFAULT_PRESET} is the digits'")
    return new_run_folder(out, name), config, notes


def preset_for(overrides: Mapping[str, Any]) -> str:
    """The preset of a new run where none was asked for, by the data that the settings name."""
    name = overrides.get("data")
    return IMAGES_PRESET if name is not None and datasets.is_general_images(name) else DEFAULT_PRESET


def _own_data(data: Any, heldout: Any, overrides: dict[str, Any]) -> datasets.ImageData | None:
    if data is None or isinstance(data, (str, os.PathLike)):
        if heldout is not None:
            raise ConfigError("heldout: got data, allowed only where data= is a tensor or a data set too")
        return None
    return datasets.from_python(
        data, name="data", heldout=heldout, stream=overrides.get("stream"), workers=overrides.get("workers")
    )


def _settings_of_model(model: InfoGAN, overrides: dict[str, Any]) -> dict[str, Any]:
    """The settings that networks of one's own decide."""
    if not isinstance(model, InfoGAN):
        raise ConfigError(f"model: got {type(model).__name__}, allowed: an InfoGAN")
    decided = {**dataclasses.asdict(model.spec), "variance": model.variance, "networks": OWN_NETWORKS, "width": None}
    for name, value in decided.items():
        if overrides.get(name, value) != value:
            raise ConfigError(f"{name}: got {overrides[name]!r}, allowed: {value!r}, which is that of model=")
    return decided


def _end_as_asked(number: int, saved: str) -> None:
    """Do what the signal would have done, with all saved."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt(f"interrupted {saved}")
    _log.warning("stopped %s", saved)
    signal.raise_signal(number)
