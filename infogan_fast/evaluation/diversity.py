"""How much images of a set differ from each other, over all and within the categories of a code."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

#: The side in pixels that images are averaged down to: whole shapes and colours remain, not noise and fine texture.
SIDE = 8

#: Pairs that a mean is taken over, at most.
PAIRS = 10_000

#: Images of a category that it takes for a mean within the category.
LEAST_IN_CATEGORY = 20


def small(images: Tensor) -> Tensor:
    """Images averaged down to 8x8 pixels at most, as vectors: float32 ``[N, C * 8 * 8]``, values from 0 to 255.

    Args:
        images: uint8 ``[N, C, H, W]`` on the CPU.
    """
    size = [min(SIDE, side) for side in images.shape[-2:]]
    parts = [functional.adaptive_avg_pool2d(part.float(), size).flatten(1) for part in images.split(250)]
    return torch.cat(parts)


def diversity(vectors: Tensor, seed: int) -> float | None:
    """Mean distance of random pairs of different images: root mean square over the pixels, in grey levels.

    Args:
        vectors: ``[N, D]``, as ``small`` gives them.
        seed: of the pairs.

    Returns:
        From 0 to 255; 0 where all are the same; None where there are fewer than two images.
    """
    count = len(vectors)
    if count < 2:
        return None
    rng = np.random.default_rng(seed)
    first = torch.from_numpy(rng.integers(count, size=PAIRS))
    second = (first + torch.from_numpy(rng.integers(1, count, size=PAIRS))) % count
    distances = [
        (vectors[a] - vectors[b]).square().mean(1).sqrt()
        for a, b in zip(first.split(1_000), second.split(1_000), strict=True)
    ]
    return float(torch.cat(distances).double().mean())


def diversity_per_category(
    vectors: Tensor, categories: NDArray[np.int64], cardinality: int, seed: int
) -> list[float | None]:
    """The same within each category: None for a category of fewer than 20 images.

    Args:
        vectors: ``[N, D]``, as ``small`` gives them.
        categories: of the images, ``[N]``, in ``[0, cardinality)``.
        cardinality: how many categories there are.
        seed: of the pairs.
    """
    found = []
    for category in range(cardinality):
        members = torch.from_numpy(np.flatnonzero(categories == category))
        found.append(diversity(vectors[members], seed) if len(members) >= LEAST_IN_CATEGORY else None)
    return found
