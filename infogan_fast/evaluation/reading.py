"""What the evaluation reads: real data and generated ones, a batch at a time, and Q's output for them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data import StoredImages
from infogan_fast.finite import check_outputs
from infogan_fast.model import InfoGAN, evaluation_mode, to_float
from infogan_fast.ops import sample_latents
from infogan_fast.spec import Latents

#: Rows that are read, generated or given to a network together.
BATCH = 500


def batches(images: Tensor | StoredImages, rows: NDArray[np.int64]) -> Iterator[Tensor]:
    """Some rows of real data, ``[<= 500, *shape]`` at a time, in the order of ``rows``.

    Args:
        images: ``[N, *shape]`` on any device, or stored.
        rows: int64, which of them, each in ``[0, N)``; ascending, so that a set on disk is read from front to back.
    """
    parts = torch.split(torch.from_numpy(rows), BATCH)
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


def generated(model: InfoGAN, seed: Tensor, offset: int, samples: int) -> Iterator[tuple[Latents, Tensor]]:
    """Fresh latent variables and what G makes of them, ``[<= 500, *shape]`` at a time; G is in evaluation mode.

    Args:
        model: the networks.
        seed, offset: as in ``sample_latents``; the seed is on the model's device.
        samples: how many rows in all.

    Raises:
        NonFiniteError: an output of G is not finite.
    """
    for first in range(0, samples, BATCH):
        size = min(BATCH, samples - first)
        latents = sample_latents(model.spec, size, seed, offset, row_offset=first, dtype=model.dtype)
        yield latents, check_outputs(model.generate(latents.input), "outputs of G")


def q_output(model: InfoGAN, x: Tensor) -> Tensor:
    """Q's output ``[B, head_dim]`` in evaluation mode, without gradient.

    Args:
        model: the networks.
        x: ``[B, *shape]`` on any device: floating point, or uint8, which stands for images from 0 to 255.

    Raises:
        NonFiniteError: an output is not finite.
    """
    with evaluation_mode(model):
        return check_outputs(model.q_output(to_float(x.to(model.device), model.dtype)), "outputs of Q")
