"""How close generated images come to real ones, beside how close other real ones come."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from infogan_fast.data import StoredImages
from infogan_fast.evaluation.checkerboard import checkerboard
from infogan_fast.evaluation.diversity import diversity, nearest, small
from infogan_fast.evaluation.fid import frechet_distance, why_not
from infogan_fast.evaluation.reading import batches, generated, some_rows
from infogan_fast.evaluation.sliced_wasserstein import SlicedWasserstein
from infogan_fast.evaluation.value_range import ValueRange
from infogan_fast.model import InfoGAN

#: The most images in each of the three sets.
IMAGES = 1_000

#: Why there is no FID where nobody asked for it.
NOT_ASKED = "No FID: it was not asked for (infogan-fast evaluate --fid), as its network takes minutes on a CPU."


def image_quality(
    model: InfoGAN, images: Tensor | StoredImages, seed: Tensor, offset: int, with_fid: bool = False
) -> dict[str, Any]:
    """Distances of generated images to real ones, and the floor: those of other real images, as many, to the same.

    The sliced Wasserstein distance (see ``SlicedWasserstein``) needs no network trained on photographs, which would
    mean little on small grey images, and nothing to download. It shows blur, noise, wrong brightness and shapes, and
    images that are all alike. It cannot show images copied from the training set, which come closer than the floor; a
    missing kind of image whose patches the other kinds have too; or whether an image as a whole makes sense.

    Args:
        model: the networks; G is used in evaluation mode.
        images: real ones that G was trained on, ``[N, C, H, W]`` with C 1 or 3, or stored. Floating-point ones are
            compared as pixels, their range (``ValueRange``) mapped to 0 to 255.
        seed: of the generated images, as in ``sample_latents``; it also draws the real ones.
        offset: of the generated images, likewise.
        with_fid: also the FID, if this machine can.

    Returns:
        ``images``, the size n of each set, at most 1,000 and half of all; ``swd`` and ``swd_floor``, the means over the
        levels; ``swd_per_level`` and ``swd_floor_per_level``; ``checkerboard``, ``diversity`` and ``nearest`` of
        generated images, and with ``_real`` behind the name those of real ones, in grey levels; ``fid`` and
        ``fid_floor``, or None for both, in which case ``fid_note`` says why. All of it is None where there is but one
        real image.
    """
    count = min(IMAGES, len(images) // 2)
    note = why_not() if with_fid else NOT_ASKED
    result: dict[str, Any] = dict.fromkeys(
        (
            *("swd", "swd_floor", "swd_per_level", "swd_floor_per_level", "fid", "fid_floor"),
            *("checkerboard", "checkerboard_real", "diversity", "diversity_real", "nearest", "nearest_real"),
        )
    )
    result |= {"images": count, "fid_note": note}
    if count == 0:
        return result
    value_range = ValueRange.of(images)
    first, second = (value_range.to_uint8(part) for part in _two_sets(images, count, int(seed)))
    made = torch.cat([value_range.to_uint8(x) for _, x in generated(model, seed, offset, count)])
    distances = SlicedWasserstein(first, int(seed)).distances
    for suffix, others in (("", made), ("_floor", second)):
        levels = distances(others)
        result[f"swd{suffix}_per_level"] = levels
        result[f"swd{suffix}"] = sum(levels.values()) / len(levels)
        if with_fid and note is None and count > 1:
            result[f"fid{suffix}"] = frechet_distance(first, others, device=seed.device)
    for suffix, shown in (("", made), ("_real", torch.cat((first, second)))):
        result[f"checkerboard{suffix}"] = checkerboard(shown)
        vectors = small(shown)
        result[f"diversity{suffix}"] = diversity(vectors, int(seed))
        result[f"nearest{suffix}"] = nearest(vectors[:count])  # it depends on how many images there are
    return result


def _two_sets(images: Tensor | StoredImages, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Two disjoint sets of real images, drawn at random."""
    rng = np.random.default_rng(seed)
    rows = some_rows(len(images), 2 * count, rng)
    read = torch.cat([batch.cpu() for batch in batches(images, rows)])
    order = torch.from_numpy(rng.permutation(2 * count))
    return read[order[:count]], read[order[count:]]
