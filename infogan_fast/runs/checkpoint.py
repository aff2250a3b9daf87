"""Checkpoints: one safetensors file each, tensors by name and the scalars as JSON in its header. Nothing is pickled.

Each has a checksum over all of its bytes, so that damage is noticed before anything of it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from infogan_fast.files import remove, write_atomically
from infogan_fast.regular_files import NotRegularError, is_folder
from infogan_fast.runs import tensor_file
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.schemas import CheckpointScalars, checked, parse_json
from infogan_fast.text import short

_FORMAT = 5
_KEY = "infogan_fast"
#: Which checkpoint of a run: ``"last"``, ``"best"`` by ``config.best_by``, or that after so many training steps.
Which: TypeAlias = str | int

_OTHER_NETWORKS = "its weights are not those of the configured networks"
_ADAM_STATE = ("step", "exp_avg", "exp_avg_sq")
_NAME = re.compile(r"step_([0-9]{8,18})\.safetensors")


class CheckpointError(RunFolderError):
    """A checkpoint cannot be used: it is damaged, or of other networks or another version; the message names it."""


class Best(NamedTuple):
    """The best checkpoint of a run."""

    step: int
    """Training steps done there."""
    score: float
    """The score by ``config.best_by``; more is better."""


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
        scalars: the others of ``CheckpointScalars``, as JSON holds them.
        keep: how many of the last ones are kept, ``>= 1``.
        best: which is the best, this one included; it goes into the checkpoint too.

    Returns:
        The file written.

    Raises:
        WriteError: the disk is full or cannot be written. The checkpoints from before are still there.
    """
    path = folder / checkpoint_name(step)
    header = {_KEY: json.dumps({**scalars, "format": _FORMAT, "step": step, "best": best})}
    write_atomically(path, *tensor_file.serialize(tensors, header))
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
    """The checkpoints of a folder, the oldest first; none if there is no such folder.

    Raises:
        CheckpointError: it is not a folder, or a link to one.
    """
    try:
        paths = [path for path in folder.iterdir() if _step_of(path) is not None] if is_folder(folder) else []
    except NotRegularError as error:
        raise CheckpointError(f"{folder}: {error.strerror}") from error
    return sorted(paths, key=step_of)


def step_of(path: Path) -> int:
    """Training steps done at a checkpoint, by the file's name."""
    step = _step_of(path)
    if step is None:
        raise ValueError(f"{path}: not the name of a checkpoint")
    return step


def _step_of(path: Path) -> int | None:
    match = _NAME.fullmatch(path.name)
    return None if match is None or checkpoint_name(int(match[1])) != path.name else int(match[1])


def find_checkpoint(folder: Path, which: Which = "last") -> Path:
    """The last checkpoint of a folder, the one that the last one says is the best, or that after so many steps.

    Raises:
        CheckpointError: there is none.
    """
    found = checkpoints(folder)
    if not found:
        raise CheckpointError(f"{folder}: holds no checkpoint")
    if which == "last":
        return found[-1]
    if which != "best":
        steps = [step_of(path) for path in found]
        if which not in steps:
            listed = ", ".join(map(str, steps))
            raise CheckpointError(f"{folder}: checkpoint: got {which!r}, allowed: last, best, or a step of {listed}")
        return found[steps.index(which)]
    best = best_of(_read(found[-1], with_tensors=False)[1])
    if best is None:
        raise CheckpointError(f"{folder}: none of its checkpoints is the best yet; the first that is due will be")
    path = folder / checkpoint_name(best.step)
    if path not in found:
        raise CheckpointError(f"{path}: the best checkpoint, by {found[-1].name}, is missing")
    return path


def best_of(scalars: Mapping[str, Any]) -> Best | None:
    """The best checkpoint by the scalars of another one."""
    return None if scalars["best"] is None else Best(*scalars["best"])


def load_checkpoint(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and scalars of a checkpoint, as given to ``save_checkpoint``, and the ``step``.

    On the CPU the tensors are parts of one.

    Raises:
        CheckpointError: the file is damaged, or not one that this version can read.
    """
    tensors, scalars = _read(path, with_tensors=True)
    return {name: tensor.to(device) for name, tensor in tensors.items()}, scalars


def _read(path: Path, with_tensors: bool) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        tensors, text, has_checksum = tensor_file.read(path, with_tensors)
    except (tensor_file.DamagedError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CheckpointError(
            f"{path}: not a readable checkpoint: {reason}. Remove it to continue from the one before, if there is one"
        ) from error
    if _KEY not in text:
        raise CheckpointError(f"{path}: a safetensors file, but not a checkpoint of infogan-fast")
    values = parse_json(text[_KEY].encode("utf-8", "surrogatepass"), f"{path}: its header", CheckpointError)
    written = values.get("format") if isinstance(values, dict) else None
    if type(written) is int and (written != _FORMAT or not has_checksum):
        lacks = ", and it has no checksum" if written == _FORMAT else ""
        raise CheckpointError(f"{path}: checkpoint format {short(written)}{lacks}; this version reads {_FORMAT}")
    scalars = checked(CheckpointScalars, values, f"{path}: its header", CheckpointError)
    if scalars.step != step_of(path):
        raise CheckpointError(f"{path}: its header: step: got {scalars.step}, allowed: {step_of(path)}, by its name")
    return tensors, values


def entry(entries: Mapping[str, Any], name: str, path: Path) -> Any:
    """A tensor or scalar that a checkpoint has to hold.

    Raises:
        CheckpointError: it does not.
    """
    if name not in entries:
        raise CheckpointError(f"{path}: damaged, or written by another version: it lacks {name}")
    return entries[name]


def optimizer_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """An optimiser's state by name, ``<prefix>.<parameter index>.<key>``; zeros where there was no gradient yet."""
    state: dict[int, dict[str, Tensor]] = optimizer.state_dict()["state"]
    tensors: dict[str, Tensor] = {}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for index, parameter in enumerate(parameters):
        if parameter.requires_grad:
            values = state[index] if index in state else _no_gradient_yet(parameter)
            tensors |= {f"{prefix}.{index}.{key}": value for key, value in values.items()}
    return tensors


def _no_gradient_yet(parameter: Tensor) -> dict[str, Tensor]:
    moments = torch.zeros_like(parameter), torch.zeros_like(parameter)
    return dict(zip(_ADAM_STATE, (torch.zeros(()), *moments), strict=True))


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
        state[index] = {}
        for key, like in zip(_ADAM_STATE, (torch.zeros(()), parameter, parameter), strict=True):
            name = f"{prefix}.{index}.{key}"
            found = entry(tensors, name, path)
            check_like(found, like, name, path)
            # Adam's fused kernels go through memory: moments lie there in the order of their parameter.
            state[index][key] = torch.empty_like(like, device=found.device).copy_(found)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def load_networks(nets: torch.nn.Module, prefix: str, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put weights ``<prefix>.<name>`` into networks.

    Raises:
        CheckpointError: names, shapes or dtypes are not those of ``nets``.
    """
    weights = {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}
    check_networks(nets, prefix, tensors, path)
    nets.load_state_dict(weights)


def check_networks(nets: torch.nn.Module, prefix: str, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Whether weights ``<prefix>.<name>`` can be put into networks, which may be on the device ``meta``.

    Raises:
        CheckpointError: names, shapes or dtypes are not those of ``nets``.
    """
    expected = {f"{prefix}.{name}": tensor for name, tensor in nets.state_dict().items()}
    for name in tensors:
        if name.startswith(f"{prefix}.") and name not in expected:
            raise CheckpointError(f"{path}: {_OTHER_NETWORKS}: it has {short(name)[1:-1]}")
    for name, like in expected.items():
        check_like(entry(tensors, name, path), like, name, path, f"{_OTHER_NETWORKS}: ")


def check_like(found: Tensor, like: Tensor, name: str, path: Path, why: str = "") -> None:
    """Whether a tensor of a checkpoint has the shape and the dtype of the one that it is to replace.

    Raises:
        CheckpointError: it has not.
    """
    if found.shape != like.shape or found.dtype != like.dtype:
        raise CheckpointError(f"{path}: {why}{name}: got {_kind(found)}, allowed: {_kind(like)}")


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
