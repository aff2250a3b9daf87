"""How much images of a set differ from each other, over all and within the categories of a code."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from infogan_fast.data import StoredImages
from infogan_fast.evaluation.accuracy import predict_categories
from infogan_fast.evaluation.reading import batches, generated, some_rows
from infogan_fast.evaluation.value_range import ValueRange
from infogan_fast.model import InfoGAN

#: The side in pixels that images are averaged down to: whole shapes and colours remain, not noise and fine texture.
SIDE = 8

#: Pairs that a mean is taken over, at most.
PAIRS = 10_000

#: The most images, real and generated each, of which ``category_diversity`` makes pairs.
IMAGES = 1_000

#: Images of a category that it takes for a mean within the category.
LEAST_IN_CATEGORY = 20


def small(images: Tensor) -> Tensor:
    """Images averaged down to 8x8 pixels at most, as vectors: float32 ``[N, C * 8 * 8]``, values from 0 to 255.

    Args:
        images: uint8 ``[N, C, H, W]`` on the CPU.
    """
    size = min(SIDE, images.shape[-2]), min(SIDE, images.shape[-1])
    parts = [functional.adaptive_avg_pool2d(part.float(), size).flatten(1) for part in torch.split(images, 250)]
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
        for a, b in zip(torch.split(first, 1_000), torch.split(second, 1_000), strict=True)
    ]
    return float(torch.cat(distances).double().mean())


def nearest(vectors: Tensor) -> float | None:
    """Mean distance of an image to the most similar other one: root mean square over the pixels, in grey levels.

    It is small where a few images are shown again and again, of which random pairs differ as much as any.

    Args:
        vectors: ``[N, D]``, as ``small`` gives them; the time grows with the square of N.

    Returns:
        From 0 to 255, less for more images of one kind: compare it between sets of as many. 0 where each is there
        twice; None where there are fewer than two images.
    """
    count, values = vectors.shape
    if count < 2:
        return None
    # Differences, and not a matrix product, in which two of the same image would not have a distance of 0.
    distances = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    return float(distances.amin(dim=1).double().mean() / values**0.5)


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


def category_diversity(
    model: InfoGAN, images: Tensor | StoredImages, seed: Tensor, offset: int
) -> dict[str, list[list[float | None]]]:
    """Diversity within each category of each categorical code, of generated images and of real ones.

    Args:
        model: the networks, in evaluation mode; a generated image is of the category that it was made from, a real
            one of Q's most probable category.
        images: real ones ``[N, C, H, W]``, N >= 1, or stored; at most 1,000 of them are read.
        seed: of the generated images, as in ``sample_latents``; it also draws the real ones and the pairs.
        offset: of the generated images, likewise.

    Returns:
        ``category_diversity`` and ``category_diversity_real``: for each code the figures of
        ``diversity_per_category``.

    Raises:
        NonFiniteError: an output of G or Q is not finite.
    """
    cardinalities = model.spec.categorical
    figures: dict[str, list[list[float | None]]] = {"category_diversity": [], "category_diversity_real": []}
    if not cardinalities:
        return figures
    value_range = ValueRange.of(images)
    rows = some_rows(len(images), IMAGES, np.random.default_rng(int(seed)))
    read = [(small(value_range.to_uint8(batch)), predict_categories(model, batch)) for batch in batches(images, rows)]
    made = [
        (small(value_range.to_uint8(x)), latents.categorical.cpu().numpy())
        for latents, x in generated(model, seed, offset, min(IMAGES, len(rows)))
    ]
    for key, parts in (("category_diversity", made), ("category_diversity_real", read)):
        vectors = torch.cat([part for part, _ in parts])
        categories = np.concatenate([part for _, part in parts])
        for code, count in enumerate(cardinalities):
            figures[key].append(diversity_per_category(vectors, categories[:, code], count, int(seed)))
    return figures
