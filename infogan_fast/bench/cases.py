"""What is measured: one set-up function per op, for every size, dtype and device, and the contenders of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import torch

import infogan_fast as ig

Contender = Callable[[], object]

_LOSS_AND_ITS_GRADIENT = 2 * 4  # bytes, float32


@dataclass(frozen=True)
class Case:
    """One op at one size."""

    op: str
    spec: ig.LatentSpec
    batch: int
    dtype: torch.dtype = torch.float32
    compiled: bool = True
    """Whether the compiled contenders are measured too: each compilation takes seconds."""

    @property
    def name(self) -> str:
        """Op and sizes, ``info_loss K=10 C=2 B=128``, and the dtype where it is not float32."""
        noise = f"noise={self.spec.noise} " if self.op == "sample_latents" else ""
        dtype = "" if self.dtype == torch.float32 else f" {dtype_name(self.dtype)}"
        return f"{self.op} {noise}K={_cardinalities(self.spec)} C={self.spec.continuous} B={self.batch}{dtype}"

    @property
    def bytes_moved(self) -> int:
        """What any implementation has to read and write, each value once.

        For the loss with its gradient: it reads the head, the codes and the gradient of the loss, and writes the loss
        and the gradient of the head. What an implementation keeps between forward and backward is not counted.
        """
        element, codes = self.dtype.itemsize, 8 * len(self.spec.categorical) + 4 * self.spec.continuous
        if self.op == "sample_latents":
            return self.batch * (self.spec.input_dim * element + codes)
        return self.batch * (self.spec.head_dim() * 2 * element + codes) + _LOSS_AND_ITS_GRADIENT

    @property
    def peak_bytes(self) -> int:
        """What the hungriest contender, the eager reference, allocates, roughly."""
        if self.op == "sample_latents":
            counters = self.spec.noise // 4 + self.spec.num_codes + 1
            return self.batch * counters * 8 * 16 + 2 * self.bytes_moved  # int64 and float64, some sixteen at a time
        return self.batch * self.spec.head_dim() * (self.dtype.itemsize * 3 + 4 * 6)


def dtype_name(dtype: torch.dtype) -> str:
    """The short name of a dtype, ``bfloat16`` for ``torch.bfloat16``."""
    return str(dtype).removeprefix("torch.")


def _cardinalities(spec: ig.LatentSpec) -> str:
    if len(spec.categorical) > 4 and len(set(spec.categorical)) == 1:
        return f"{len(spec.categorical)}x{spec.categorical[0]}"
    return "+".join(map(str, spec.categorical)) or "none"


MNIST = ig.LatentSpec(noise=62, categorical=(10,), continuous=2)
WIDE = ig.LatentSpec(noise=62, categorical=(1000,), continuous=16)

CASES = (
    Case("info_loss", MNIST, 128),
    Case("info_loss", MNIST, 8192),
    Case("info_loss", WIDE, 4096),
    Case("sample_latents", MNIST, 128),
    Case("sample_latents", MNIST, 8192),
)


#: A batch whose head no cache holds.
LARGE = Case("info_loss", MNIST, 1_048_576)


def sweep() -> list[Case]:
    """Sizes from a small batch to one that fills the memory, the telling ones first."""
    half = (torch.bfloat16, torch.float16)
    batches = (64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576)
    loss = [Case("info_loss", MNIST, b, compiled=b == batches[-1]) for b in batches]
    sampler = [Case("sample_latents", MNIST, b, compiled=b == batches[-1]) for b in batches]
    cardinalities = [ig.LatentSpec(62, (k,), 2) for k in (2, 100, 1000, 32_000)]
    wide = [Case("info_loss", spec, 4096, compiled=sum(spec.categorical) > 1000) for spec in cardinalities]
    continuous = [Case("info_loss", ig.LatentSpec(62, (10,), c), 4096, compiled=False) for c in (0, 16, 64)]
    codes = [ig.LatentSpec(62, (20, 20, 20), 1), ig.LatentSpec(62, (10,) * 10, 10), ig.LatentSpec(62, (3,) * 100, 70)]
    many = [Case("info_loss", spec, 4096, compiled=False) for spec in codes]
    many += [Case("sample_latents", spec, 4096, compiled=False) for spec in (*cardinalities[2:], *codes)]
    shorter = [
        Case("info_loss", case.spec, case.batch, dtype, compiled=dtype == torch.bfloat16 and case.batch == 65_536)
        for dtype in half
        for case in chain(loss, wide)
    ]
    shorter += [Case("sample_latents", MNIST, b, dtype, compiled=False) for dtype in half for b in (4096, 1_048_576)]
    return [*CASES, *loss, *sampler, *wide, *continuous, *many, *shorter]


CONTENDERS = ("eager reference", "compiled reference", "infogan_fast", "infogan_fast, compiled")
COMPILED = (CONTENDERS[1], CONTENDERS[3])


def contenders(case: Case, device: torch.device | str = "cpu") -> Iterator[tuple[str, Contender]]:
    """Name and zero-argument function of each contender, all on the same values; forward and backward for the loss."""
    ours, reference = getattr(ig, case.op), getattr(ig.reference, case.op)
    prepare: Callable[..., Contender] = _information_loss if case.op == "info_loss" else _sampler
    for name, function in zip(CONTENDERS, (reference, reference, ours, ours), strict=True):
        if name in COMPILED:
            if not case.compiled:
                continue
            function = torch.compile(function, fullgraph=True, dynamic=False)
        yield name, prepare(function, case, torch.device(device))


def _information_loss(function: Callable[..., torch.Tensor], case: Case, device: torch.device) -> Contender:
    generator = torch.Generator(device).manual_seed(0)
    head = torch.randn(case.batch, case.spec.head_dim(), generator=generator, device=device)
    head = head.to(case.dtype).requires_grad_()
    latents = ig.sample_latents(case.spec, case.batch, torch.tensor(0, device=device))
    latents = latents._replace(input=latents.input[:0])  # which the loss does not read

    def forward_and_backward() -> None:
        head.grad = None
        torch.autograd.backward(function(head, latents, case.spec))

    return forward_and_backward


def _sampler(function: Callable[..., ig.Latents], case: Case, device: torch.device) -> Contender:
    seed = torch.tensor(0, device=device)
    return lambda: function(case.spec, case.batch, seed, dtype=case.dtype)
