"""How much of each code Q recovers from what G generates: the bound L_I, and R2 of the continuous ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from infogan_fast.evaluation.intervals import mean_interval
from infogan_fast.evaluation.reading import generated, q_output
from infogan_fast.finite import check_outputs
from infogan_fast.model import InfoGAN
from infogan_fast.spec import Latents, LatentSpec, Variance, fixed_variance


@dataclass(frozen=True)
class CodeRecovery:
    """What Q recovers of the codes that fresh samples of G were generated from."""

    mi_bound_nats: tuple[float, ...]
    """L_I of each code, ``H(c) - E[-log Q(c|x)]``; categorical codes first. That of a categorical code is at most
    ``H(c)``; a continuous one has no such limit, its entropy being differential."""
    r2: tuple[float, ...]
    """Fraction of each continuous code's variance that Q's mean explains: 1 is perfect, 0 no better than a constant."""
    mi_bound_ci_nats: tuple[tuple[float, float], ...]
    """The 95 % interval of each L_I, for the choice of the samples: not for other weights or seeds of training."""
    categories_recovered: tuple[float, ...]
    """Fraction of the samples of which Q's most probable category is the one that they were generated from, 0 to 1, for
    each categorical code."""


def recover_codes(model: InfoGAN, seed: Tensor, offset: int, samples: int) -> CodeRecovery:
    """Generate samples and let Q read their codes, without instance noise, in evaluation mode.

    Args:
        model: the networks.
        seed: as in ``sample_latents``, on the model's device.
        offset: as in ``sample_latents``.
        samples: how many, ``>= 2``.

    Raises:
        NonFiniteError: an output of G or Q, or the likelihood that Q gives a code, is not finite.
    """
    spec, variance = model.spec, model.variance
    nlls, codes, means, hits = [], [], [], []
    for latents, x in generated(model, seed, offset, samples):
        head = q_output(model, x)
        nlls.append(check_outputs(code_nll(head, latents, spec, variance), "likelihoods that Q gives the codes").cpu())
        codes.append(latents.continuous.double().cpu())
        parameters = spec.split(head, variance)
        means.append(parameters.mean.double().cpu())
        categories = [logits.argmax(dim=1) for logits in parameters.logits]
        hits.append([int((found == true).sum()) for found, true in zip(categories, latents.categorical.T, strict=True)])
    code, mean = torch.cat(codes), torch.cat(means)
    unexplained = (code - mean).square().sum(0) / (code - code.mean(0)).square().sum(0)
    information = spec.entropy() - torch.cat(nlls)
    bound, r2 = information.mean(0).tolist(), (1.0 - unexplained).tolist()
    low, high = (torch.from_numpy(end) for end in mean_interval(information.numpy()))
    m = len(spec.categorical)
    high[:m] = high[:m].minimum(spec.entropy()[:m])  # which L_I of a categorical code cannot exceed
    recovered = tuple(sum(of_code) / samples for of_code in zip(*hits, strict=True))
    return CodeRecovery(tuple(bound), tuple(r2), tuple(zip(low.tolist(), high.tolist(), strict=True)), recovered)


def code_nll(head: Tensor, latents: Latents, spec: LatentSpec, variance: Variance) -> Tensor:
    """``-log Q(c_i|x)`` of each row and code in nats, of which ``info_loss`` is the weighted mean.

    Args:
        head: Q's output ``[B, head_dim]``.
        latents: the codes of the rows.
        spec: the latent variables.
        variance: of Q's Gaussian, as in ``info_loss``.

    Returns:
        float64 ``[B, m + C]``, categorical codes first.
    """
    logits, mean, log_variance = spec.split(head.double(), variance)
    columns = [
        -code.log_softmax(dim=1).gather(1, latents.categorical[:, index : index + 1])
        for index, code in enumerate(logits)
    ]
    squared = (latents.continuous.double() - mean).square() * torch.exp(-log_variance)
    return torch.cat([*columns, 0.5 * (log_variance + squared + math.log(2.0 * math.pi))], dim=1)


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
