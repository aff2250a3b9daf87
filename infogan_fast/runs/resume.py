"""Settings of a run that is resumed: those it was started with, and what may change."""

from __future__ import annotations

import dataclasses
import difflib
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from infogan_fast import data as datasets
from infogan_fast.data import ImageData
from infogan_fast.data.images import size_text
from infogan_fast.runs.checkpoint import CheckpointError, checkpoints, step_of
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.folder import RunFolder
from infogan_fast.text import short
from infogan_fast.training.device import resolve
from infogan_fast.training.presets import preset
from infogan_fast.training.settings import OWN_DATA, ConfigError, TrainConfig

#: Settings that may differ when a run is resumed; any other would make it another run. The images that ``data`` names
#: have to be the same ones, which the checkpoint tells.
MAY_CHANGE = (
    "compile",
    "cuda_graph",
    "data",
    "device",
    "keep_checkpoints",
    "matrix_product",
    "steps",
    "stream",
    "strict",
    "tensorboard",
    "workers",
)

_DECIDED_BY_THE_PROCESSOR = ("matrix_product", "precision")


def resumed_config(
    folder: RunFolder, preset_name: str | None, overrides: dict[str, Any]
) -> tuple[TrainConfig, list[str]]:
    """The settings to resume a run with, device and width resolved, and notes for the user.

    Args:
        folder: of the run.
        preset_name: a preset that was named again, or None. Of it, what may change stays as it was in the run.
        overrides: settings that were given again, ``data`` as ``data.canonical`` gives it. What the processor decided
            at the start stays where ``auto`` is given again.

    Raises:
        ConfigError: a setting differs that must not, or ``steps`` is less than the steps that are done.
        RunFolderError: the folder's settings cannot be read.
    """
    saved = folder.read_config()
    if saved.data != OWN_DATA:
        saved = dataclasses.replace(saved, data=datasets.canonical(saved.data))
    base = saved
    if preset_name is not None:
        base = dataclasses.replace(preset(preset_name), **{name: getattr(saved, name) for name in MAY_CHANGE})
    kept = {name: getattr(saved, name) for name in _DECIDED_BY_THE_PROCESSOR if overrides.get(name) == "auto"}
    asked, notes = resolve(dataclasses.replace(base, **{**overrides, **kept}))
    for setting in dataclasses.fields(TrainConfig):
        was, now = getattr(saved, setting.name), getattr(asked, setting.name)
        if was != now and setting.name not in MAY_CHANGE:
            raise ConfigError(
                f"--resume: {setting.name}: got {now!r}, allowed: {was!r}, with which the run in {folder.path} was "
                f"started; only {', '.join(MAY_CHANGE)} may change"
            )
    found = checkpoints(folder.checkpoints)
    done = step_of(found[-1]) if found else 0
    if asked.steps < done:
        raise ConfigError(
            f"--resume: steps: got {asked.steps}, allowed: at least {done}, the steps that the run in {folder.path} "
            "has done"
        )
    if asked.steps != saved.steps and done:
        notes.append(
            f"steps: {asked.steps} instead of {saved.steps}; learning rates and weights follow the fraction of the run "
            f"that is done, so the result is not that of a run of {asked.steps} steps from the start"
        )
    if asked.matrix_product != saved.matrix_product:
        notes.append(
            f"matrix_product: {asked.matrix_product} instead of {saved.matrix_product}; the weights may differ in "
            "their last bits from those of an uninterrupted run"
        )
    threads = folder.read_threads()
    if threads is not None and threads != torch.get_num_threads():
        notes.append(
            f"threads: {torch.get_num_threads()} instead of {threads}; the weights may differ in their last bits from "
            "those of an uninterrupted run"
        )
    return asked, notes


def check_same_run(
    scalars: dict[str, Any], path: Path, config: TrainConfig, data: ImageData, images_sha256: str
) -> None:
    """Whether a checkpoint is of a run on these images with these settings.

    Args:
        scalars: of the checkpoint.
        path: of the checkpoint.
        config: the settings.
        data: the images.
        images_sha256: their hash.

    Raises:
        DataError: it is of other images.
        CheckpointError: a setting differs that must not.
    """
    then = tuple(scalars["shape"])
    if then != data.shape:
        raise datasets.DataError(
            f"{data.name}: its images are {size_text(data.shape)}, the run was trained on {size_text(then)}"
        )
    count = scalars["images"]
    if count != len(data.images):
        raise datasets.DataError(
            f"{data.name}: holds {len(data.images)} training images, the run was trained on {count}"
        )
    if scalars["images_sha256"] != images_sha256:
        raise datasets.DataError(f"{data.name}: its training images are not those that the run was trained on")
    saved, now = scalars["settings"], config.to_json()
    for name in (name for name in now if name not in MAY_CHANGE):
        if saved.get(name) != now[name]:
            raise CheckpointError(f"{path}: was written with {name} {short(saved.get(name))}, not {now[name]!r}")


def check_resumable(folder: RunFolder | None, or_start: bool) -> None:
    """Raise where there is nothing to resume.

    Args:
        folder: what ``--out`` says, or None.
        or_start: whether a run is started where there is none.

    Raises:
        RunFolderError: no folder was given; or it does not hold a run, and none is to be started.
    """
    option = "--resume-or-start" if or_start else "--resume"
    if folder is None:
        raise RunFolderError(f"{option}: say which run with --out DIR")
    if or_start or folder.is_run:
        return
    if checkpoints(folder.checkpoints):
        folder.read_config()  # says that it is missing
    close = _runs_of_a_similar_name(folder.path)
    suggestion = f"; did you mean {' or '.join(close)}?" if close else ""
    raise RunFolderError(
        f"--resume: there is no run in {folder.path}{suggestion}; to start one there, leave out --resume, or give "
        "--resume-or-start, which resumes a run or starts it"
    )


def _runs_of_a_similar_name(path: Path) -> list[str]:
    """The folders of runs beside ``path``, as a shell takes them."""
    runs: list[str] = []
    with suppress(OSError):  # no such folder, or not for this user's eyes
        runs = [other.name for other in path.parent.iterdir() if RunFolder(other).is_run]
    close = difflib.get_close_matches(path.name, runs, n=2)
    return [shlex.quote(str(path.parent / name)) for name in close]
