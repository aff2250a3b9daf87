"""How close generated images come to real ones, beside how close other real ones come."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from infogan_fast.data import StoredImages
from infogan_fast.evaluation.fid import frechet_distance, why_not
from infogan_fast.evaluation.reading import batches, some_rows
from infogan_fast.evaluation.sliced_wasserstein import SlicedWasserstein
from infogan_fast.finite import check_outputs
from infogan_fast.model import InfoGAN
from infogan_fast.ops import sample_latents
from infogan_fast.spec import LatentSpec

#: The most images in each of the three sets.
IMAGES = 1_000

#: Why there is no FID where nobody asked for it.
NOT_ASKED = "No FID: it was not asked for (infogan-fast evaluate --fid), as its network takes minutes on a CPU."

_BATCH = 500


@torch.no_grad()
def image_quality(
    nets: InfoGAN, spec: LatentSpec, images: Tensor | StoredImages, seed: Tensor, offset: int, with_fid: bool = False
) -> dict[str, Any]:
    """Distances of generated images to real ones, and the floor: those of other real images, as many, to the same.

    The sliced Wasserstein distance (see ``SlicedWasserstein``) needs no network trained on photographs, which would
    mean little on small grey images, and nothing to download. It shows blur, noise, wrong brightness and shapes, and
    images that are all alike. It cannot show images copied from the training set, which come closer than the floor; a
    missing kind of image whose patches the other kinds have too; or whether an image as a whole makes sense.

    Args:
        nets: the networks, in evaluation mode.
        spec: the latent variables.
        images: real ones that G was trained on, uint8 ``[N, C, H, W]``, or stored.
        seed, offset: of the generated images, as in ``sample_latents``; the seed also draws the real ones.
        with_fid: also the FID, if this machine can.

    Returns:
        ``images``, the size n of each set, at most 1,000 and half of all; ``swd`` and ``swd_floor``, the means over the
        levels; ``swd_per_level`` and ``swd_floor_per_level``; ``fid`` and ``fid_floor``, or None for both, in which
        case ``fid_note`` says why. All distances are None where there is but one real image.
    """
    count = min(IMAGES, len(images) // 2)
    note = why_not() if with_fid else NOT_ASKED
    result: dict[str, Any] = dict.fromkeys(
        ("swd", "swd_floor", "swd_per_level", "swd_floor_per_level", "fid", "fid_floor")
    )
    result |= {"images": count, "fid_note": note}
    if count == 0:
        return result
    first, second = _two_sets(images, count, int(seed))
    generated = generate(nets, spec, seed, offset, count)
    distances = SlicedWasserstein(first, int(seed)).distances
    for suffix, others in (("", generated), ("_floor", second)):
        levels = distances(others)
        result[f"swd{suffix}_per_level"] = levels
        result[f"swd{suffix}"] = sum(levels.values()) / len(levels)
        if with_fid and note is None and count > 1:
            result[f"fid{suffix}"] = frechet_distance(first, others, device=seed.device)
    return result


def generate(nets: InfoGAN, spec: LatentSpec, seed: Tensor, offset: int, count: int) -> Tensor:
    """Generated images as a file would hold them: uint8 ``[count, C, H, W]`` on the CPU.

    Args:
        nets: the networks, in evaluation mode.
        spec: the latent variables.
        seed, offset: as in ``sample_latents``; the networks' device is the seed's.
        count: how many.

    Raises:
        NonFiniteError: an image is not finite.
    """
    parts = []
    for first in range(0, count, _BATCH):
        latents = sample_latents(spec, min(_BATCH, count - first), seed, offset, row_offset=first)
        images = check_outputs(nets.generator(latents.input), "generated images")  # as bytes NaN would be black
        parts.append((images * 255.0).round().clamp(0, 255).to(torch.uint8).cpu())
    return torch.cat(parts)


def _two_sets(images: Tensor | StoredImages, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Two disjoint sets of real images, drawn at random."""
    rng = np.random.default_rng(seed)
    rows = some_rows(len(images), 2 * count, rng)
    read = torch.cat([batch.cpu() for batch in batches(images, rows)])
    order = torch.from_numpy(rng.permutation(2 * count))
    return read[order[:count]], read[order[count:]]
