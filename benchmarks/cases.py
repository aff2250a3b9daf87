"""What is measured: one set-up function per op and size, and the contenders of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

import infogan_fast as ig

Contender = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """One op at one size."""

    op: str
    spec: ig.LatentSpec
    batch: int

    @property
    def name(self) -> str:
        """Such as ``info_loss K=10 C=2 B=128``."""
        categorical = "+".join(map(str, self.spec.categorical)) or "none"
        noise = f"noise={self.spec.noise} " if self.op == "sample_latents" else ""
        return f"{self.op} {noise}K={categorical} C={self.spec.continuous} B={self.batch}"


MNIST = ig.LatentSpec(noise=62, categorical=(10,), continuous=2)
WIDE = ig.LatentSpec(noise=62, categorical=(1000,), continuous=16)

CASES = (
    Case("info_loss", MNIST, 128),
    Case("info_loss", MNIST, 8192),
    Case("info_loss", WIDE, 4096),
    Case("sample_latents", MNIST, 128),
    Case("sample_latents", MNIST, 8192),
)

CONTENDERS = ("eager reference", "compiled reference", "infogan_fast", "infogan_fast, compiled")


def contenders(case: Case) -> Iterator[tuple[str, Contender]]:
    """Name and zero-argument function of each contender, all on the same tensors; forward and backward for the loss."""
    ours, reference = getattr(ig, case.op), getattr(ig.reference, case.op)
    functions = (
        reference,
        torch.compile(reference, fullgraph=True, dynamic=False),
        ours,
        torch.compile(ours, fullgraph=True, dynamic=False),
    )
    prepare = {"info_loss": _information_loss, "sample_latents": _sampler}[case.op]
    for name, function in zip(CONTENDERS, functions, strict=True):
        yield name, prepare(function, case)


def _information_loss(function: Callable[..., torch.Tensor], case: Case) -> Contender:
    generator = torch.Generator().manual_seed(0)
    head = torch.randn(case.batch, case.spec.head_dim(), generator=generator).requires_grad_()
    latents = ig.sample_latents(case.spec, case.batch, torch.tensor(0))

    def forward_and_backward() -> None:
        head.grad = None
        torch.autograd.backward(function(head, latents, case.spec))

    return forward_and_backward


def _sampler(function: Callable[..., ig.Latents], case: Case) -> Contender:
    seed = torch.tensor(0)
    return lambda: function(case.spec, case.batch, seed)
