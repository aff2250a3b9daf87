"""Which files of a labelled folder are held out: a fraction of each class, always the same ones."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: The fraction of each class where none is asked for.
HELDOUT_FRACTION = 0.2


def held_out(files: Sequence[Path], fraction: float) -> NDArray[np.bool_]:
    """Choose files to hold out, a fraction of each subfolder.

    Those whose names have the least SHA-256 are chosen. So the choice is the same on every machine and whatever the
    order, and a file that is added or removed moves few others.

    Args:
        files: paths in a folder. Those that do not lie directly in one of its subfolders are not chosen.
        fraction: of the files in each subfolder, ``0 <= fraction < 1``: the number is rounded, half up, and at least
            one file stays.

    Returns:
        Whether each file is chosen: ``[N]``.
    """
    chosen = np.zeros(len(files), dtype=np.bool_)
    by_subfolder: dict[str, list[int]] = {}
    for row, file in enumerate(files):
        if len(file.parts) == 2:
            by_subfolder.setdefault(file.parts[0], []).append(row)
    for rows in by_subfolder.values():
        count = min(math.floor(fraction * len(rows) + 0.5), len(rows) - 1)
        chosen[sorted(rows, key=lambda row: _digest(files[row]))[:count]] = True
    return chosen


def two_parts(images: Tensor, chosen: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
    """Split images into those that are not chosen and those that are, without a second copy of the former.

    Args:
        images: ``[N, *shape]``, which is written to and may not be used afterwards.
        chosen: ``[N]``.
    """
    heldout = images[torch.from_numpy(chosen)]
    kept = np.flatnonzero(~chosen).tolist()
    for target, source in enumerate(kept):
        if target != source:
            images[target] = images[source]
    return images[: len(kept)], heldout


def _digest(file: Path) -> bytes:
    return hashlib.sha256(b"/".join(os.fsencode(part) for part in file.parts)).digest()
