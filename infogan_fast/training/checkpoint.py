"""Checkpoints: one safetensors file each, tensors by name and the scalars as JSON in its header. Nothing is pickled."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from infogan_fast.files import remove, write_atomically

_FORMAT = 3
_KEY = "infogan_fast"
Which = Literal["last", "best"]

_ADAM_STATE = ("step", "exp_avg", "exp_avg_sq")
_NAME = re.compile(r"step_(\d+)\.safetensors")


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or belongs to other networks or another version; the message names the file."""


class Best(NamedTuple):
    """The best checkpoint of a run."""

    step: int
    """Training steps done there."""
    score: float
    """By ``config.best_by``; more is better."""


def save_checkpoint(
    folder: Path,
    step: int,
    tensors: Mapping[str, Tensor],
    scalars: Mapping[str, Any],
    keep: int = 1,
    best: Best | None = None,
) -> Path:
    """Write a checkpoint atomically, then remove all but the last ``keep`` and the best one.

    Args:
        folder: made if missing.
        step: number of training steps done.
        tensors: by name, on any device.
        scalars: anything that JSON holds.
        keep: how many of the last ones are kept, ``>= 1``.
        best: which is the best, this one included; it goes into the checkpoint too.

    Returns:
        The file written.

    Raises:
        WriteError: the disk is full or cannot be written. The checkpoints from before are still there.
    """
    path = folder / checkpoint_name(step)
    header = {_KEY: json.dumps({**scalars, "format": _FORMAT, "step": step, "best": best})}
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, safetensors.torch.save(on_cpu, metadata=header))
    remove_old(folder, keep, best)
    return path


def remove_old(folder: Path, keep: int, best: Best | None) -> None:
    """Remove all checkpoints but the last ``keep`` and the best one.

    Raises:
        WriteError: the system does not let them be removed.
    """
    for old in checkpoints(folder)[:-keep]:
        if best is None or step_of(old) != best.step:
            remove(old)


def checkpoint_name(step: int) -> str:
    """Name of the file of a checkpoint after so many training steps."""
    return f"step_{step:08d}.safetensors"


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the oldest first."""
    return sorted((path for path in folder.glob("*") if _NAME.fullmatch(path.name)), key=step_of)


def step_of(path: Path) -> int:
    """Training steps done at a checkpoint, by the file's name."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"{path}: not the name of a checkpoint")
    return int(match[1])


def find_checkpoint(folder: Path, which: Which = "last") -> Path:
    """The last checkpoint of a folder, or the one that the last one says is the best.

    Raises:
        CheckpointError: there is none.
    """
    found = checkpoints(folder)
    if not found:
        raise CheckpointError(f"{folder}: holds no checkpoint")
    if which == "last":
        return found[-1]
    best = best_of(load_checkpoint(found[-1], torch.device("cpu"))[1], found[-1])
    if best is None:
        raise CheckpointError(f"{folder}: none of its checkpoints is the best yet; the first that is due will be")
    path = folder / checkpoint_name(best.step)
    if path not in found:
        raise CheckpointError(f"{path}: the best checkpoint, by {found[-1].name}, is missing")
    return path


def best_of(scalars: Mapping[str, Any], path: Path) -> Best | None:
    """The best checkpoint by the scalars of another one, which is at ``path``."""
    best = entry(scalars, "best", path)
    try:
        return None if best is None else Best(int(best[0]), float(best[1]))
    except (TypeError, ValueError, IndexError) as error:
        raise CheckpointError(f"{path}: damaged: best: expected a step and a score, got {best!r}") from error


def load_checkpoint(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and scalars of a checkpoint, as given to ``save_checkpoint``, and the ``step``.

    Raises:
        CheckpointError: the file is damaged, or not one that this version can read.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: not a readable checkpoint: {error}. Remove it to continue from the one before, if there is one"
        ) from error
    if _KEY not in header:
        raise CheckpointError(f"{path}: a safetensors file, but not a checkpoint of infogan-fast")
    try:
        scalars = json.loads(header[_KEY])
        written = scalars["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: its header is damaged: {error}") from error
    if written != _FORMAT:
        raise CheckpointError(f"{path}: checkpoint format {written}, this version reads {_FORMAT}")
    return tensors, scalars


def entry(entries: Mapping[str, Any], name: str, path: Path) -> Any:
    """A tensor or scalar that a checkpoint has to hold.

    Raises:
        CheckpointError: it does not.
    """
    if name not in entries:
        raise CheckpointError(f"{path}: damaged, or written by another version: it lacks {name}")
    return entries[name]


def optimizer_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """An optimiser's state by name, ``<prefix>.<parameter index>.<key>``."""
    state = optimizer.state_dict()["state"]
    return {f"{prefix}.{index}.{key}": value for index, values in state.items() for key, value in values.items()}


def load_optimizer(optimizer: torch.optim.Adam, prefix: str, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put back what ``optimizer_tensors`` gave; learning rates and betas stay those of ``optimizer``.

    Raises:
        CheckpointError: the state of a parameter that is trained is missing, or has another shape.
    """
    state: dict[int, dict[str, Tensor]] = {}
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for index, parameter in enumerate(parameters):
        if not parameter.requires_grad:
            continue
        state[index] = {key: entry(tensors, f"{prefix}.{index}.{key}", path) for key in _ADAM_STATE}
        for key, shape in zip(_ADAM_STATE, ((), parameter.shape, parameter.shape), strict=True):
            found = state[index][key].shape
            if found != shape:
                raise CheckpointError(f"{path}: {prefix}.{index}.{key}: expected {list(shape)}, got {list(found)}")
            if shape:  # Adam's fused kernels go through memory: moments lie there in the order of their parameter
                state[index][key] = torch.empty_like(parameter).copy_(state[index][key])
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def load_networks(nets: torch.nn.Module, prefix: str, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put weights ``<prefix>.<name>`` into networks.

    Raises:
        CheckpointError: names or shapes are not those of ``nets``.
    """
    weights = {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}
    try:
        nets.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: its weights are not those of the configured networks: {error}") from error
