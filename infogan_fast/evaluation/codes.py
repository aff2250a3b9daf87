"""How much of each code Q recovers from generated images: the bound L_I, and R2 of the continuous ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from infogan_fast.nets import InfoGAN
from infogan_fast.ops import info_loss, sample_latents
from infogan_fast.spec import LatentSpec, Variance, fixed_variance

_BATCH = 500


@dataclass(frozen=True)
class CodeRecovery:
    """What Q recovers of the codes of freshly generated images."""

    mi_bound_nats: tuple[float, ...]
    """L_I of each code, ``H(c) - E[-log Q(c|x)]``; categorical codes first. That of a categorical code is at most
    ``H(c)``; a continuous one has no such limit, its entropy being differential."""
    r2: tuple[float, ...]
    """Share of each continuous code's variance that Q's mean explains: 1 is perfect, 0 no better than a constant."""


@torch.no_grad()
def recover_codes(
    nets: InfoGAN, spec: LatentSpec, variance: Variance, seed: Tensor, offset: int, samples: int
) -> CodeRecovery:
    """Generate images and let Q read their codes, without instance noise.

    Args:
        nets: the networks, in evaluation mode.
        spec: the latent variables.
        variance: of Q's Gaussian, as in ``info_loss``.
        seed, offset: as in ``sample_latents``; the networks' device is the seed's.
        samples: number of images, ``>= 2``.
    """
    mean_columns = slice(sum(spec.categorical), sum(spec.categorical) + spec.continuous)
    nll = torch.zeros(spec.num_codes, dtype=torch.float64)
    codes, means = [], []
    for first in range(0, samples, _BATCH):
        size = min(_BATCH, samples - first)
        latents = sample_latents(spec, size, seed, offset, row_offset=first)
        head = nets.encode(nets.generator(latents.input))
        nll += info_loss(head, latents, spec, variance=variance, return_terms=True)[1].double().cpu() * size
        codes.append(latents.continuous.double().cpu())
        means.append(head[:, mean_columns].double().cpu())
    code, mean = torch.cat(codes), torch.cat(means)
    unexplained = (code - mean).square().sum(0) / (code - code.mean(0)).square().sum(0)
    return CodeRecovery(tuple((spec.entropy() - nll / samples).tolist()), tuple((1.0 - unexplained).tolist()))


def bound_note(spec: LatentSpec, variance: Variance) -> str | None:
    """A sentence to stand beside the bound where a fixed variance limits it, else None.

    A Gaussian of fixed variance v has a cross entropy of at least ``0.5 log(2 pi v)`` nats, however exact its mean.
    """
    fixed = fixed_variance(variance)
    if fixed is None or spec.continuous == 0:
        return None
    entropy = float(spec.entropy()[-1])
    best = entropy - 0.5 * float(torch.tensor(2.0 * torch.pi * fixed, dtype=torch.float64).log())
    return (
        f"With the variance of Q's Gaussian fixed at {fixed:g}, L_I of a continuous code cannot exceed {best:.3f} nats"
        f"{', so it is negative however well the code is recovered' if best < 0 else ''}; R2 tells how well it is."
    )
