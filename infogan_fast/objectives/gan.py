"""The GAN game of Goodfellow et al. 2014, with the non-saturating loss for the generator.

The discriminator's outputs are logits: ``D(x) = sigmoid(logit)`` is the probability that an image is real, and
``-log sigmoid(t) = softplus(-t)``, which does not overflow.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """``-E[log D(x)] - E[log(1 - D(G(z, c)))]`` in nats, 0-d; ``2 log 2 = 1.386`` where D cannot tell them apart.

    Args:
        real_logits, fake_logits: D's output ``[B, 1]`` on real and on generated images.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """``-E[log D(G(z, c))]`` in nats, 0-d: the non-saturating form, whose gradient lasts while D is winning.

    Args:
        fake_logits: D's output ``[B, 1]`` on generated images.
    """
    return F.softplus(-fake_logits).mean()
