"""Specs, dtypes and inputs that the op tests share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import infogan_fast as ig

SPECS = {
    "mnist": ig.LatentSpec(62, (10,), 2),
    "chairs": ig.LatentSpec(128, (20, 20, 20), 1),
    "mixed": ig.LatentSpec(3, (2, 7, 1, 33), 5, continuous_prior="normal", noise_prior="uniform"),
    "wide": ig.LatentSpec(0, (1000,), 0),
    "categorical only": ig.LatentSpec(1, (3, 4), 0),
    "continuous only": ig.LatentSpec(5, (), 3),
    "one of each": ig.LatentSpec(0, (2,), 1),
}
VARIANCES = ("learned", "learned_std", 1.0, 0.25)
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)

every_spec = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
every_variance = pytest.mark.parametrize("variance", VARIANCES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(dtype).removeprefix("torch."))


def seed_of(value: int) -> Tensor:
    return torch.tensor(value, dtype=torch.int64)


def make_head(
    spec: ig.LatentSpec,
    batch: int,
    variance: object = "learned",
    dtype: torch.dtype = torch.float32,
    scale: float = 1.0,
) -> Tensor:
    """A random head of standard deviation `scale`, from torch's global generator."""
    return (scale * torch.randn(batch, spec.head_dim(variance), dtype=torch.float64)).to(dtype)


def loss_and_gradient(function, head: Tensor, latents: object, spec: ig.LatentSpec, upstream: float, **settings):
    """(loss, nll, upstream * d loss / d head)."""
    head = head.detach().requires_grad_()
    loss, nll = function(head, latents, spec, return_terms=True, **settings)
    (gradient,) = torch.autograd.grad(loss, head, torch.tensor(upstream, dtype=loss.dtype))
    return loss.detach(), nll, gradient


def op_arguments(spec, head, latents, variance, weight_scale=None):
    """The arguments of torch.ops.infogan_fast.info_loss, in the order of its schema."""
    fixed = ig.spec.fixed_variance(variance)
    source = (None, None, *latents) if isinstance(latents, ig.LatentSeed) else (*latents[-2:], None, 0, 0)
    return (
        head,
        *source,
        spec.categorical,
        spec.continuous,
        spec.continuous_prior,
        (0.5,) * len(spec.categorical),
        (0.2,) * spec.continuous,
        weight_scale,
        variance if fixed is None else "fixed",
        fixed or 1.0,
        -100,
    )
