"""What a conditional D looks at beside an image: the categories that it is of (Miyato & Koyama 2018, equation 4)."""

from __future__ import annotations

import torch
from torch import Tensor

from infogan_fast.spec import LatentSpec, Variance


def of_categories(matches: Tensor, categories: Tensor, spec: LatentSpec) -> Tensor:
    """What D's logits gain by the categories of B images: ``[B, 1]``, one term for each code.

    Args:
        matches: ``[B, sum of categories]``, what each category would add.
        categories: ``[B, m]`` int64, those that the images are of.
        spec: the latent variables.
    """
    codes = matches.split_with_sizes(list(spec.categorical), dim=1)
    return torch.cat([code.gather(1, categories[:, i : i + 1]) for i, code in enumerate(codes)], 1).sum(1, keepdim=True)


def categories_read(heads: Tensor, batch: int, spec: LatentSpec, variance: Variance) -> Tensor:
    """The most probable category of each code, by all views of an image together: ``[B, m]`` int64.

    Args:
        heads: ``[V * B, head_dim]``, Q's output for V views of B images, view by view; no gradient reaches it.
        batch: B.
        spec: the latent variables.
        variance: of Q's Gaussians, as in ``info_loss``.
    """
    logits = spec.split(heads.detach(), variance).logits
    together = [code.log_softmax(1).view(-1, batch, code.shape[1]).sum(0) for code in logits]
    return torch.stack([code.argmax(1) for code in together], dim=1)
