"""Real images for the evaluation, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data import StoredImages

_BATCH = 500


def batches(images: Tensor | StoredImages, rows: NDArray[np.int64]) -> Iterator[Tensor]:
    """Some of the images, uint8 ``[<= 500, C, H, W]`` at a time, in the order of ``rows``.

    Args:
        images: uint8 ``[N, C, H, W]`` on any device, or stored.
        rows: int64, which of them, each in ``[0, N)``; ascending, so that a set on disk is read from front to back.
    """
    parts = torch.split(torch.from_numpy(rows), _BATCH)
    if isinstance(images, Tensor):
        yield from (images[part.to(images.device)] for part in parts)
        return
    stored = images.batches(part.tolist() for part in parts)
    try:
        yield from stored
    finally:
        stored.close()


def some_rows(count: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most ``wanted`` of ``count`` rows: different ones drawn at random, in ascending order."""
    return np.sort(rng.choice(count, min(count, wanted), replace=False))
