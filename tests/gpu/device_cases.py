"""What the tests of the CUDA kernels share: the device, inputs on it, and the repository's accuracy rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import oracle
import torch
from cases import SPECS
from torch import Tensor

import infogan_fast as ig

DEVICE = torch.device("cuda")

#: One row, one short of a warp, a warp, one more, the same of a block; some that fill the device, one of them odd.
BATCHES = (1, 2, 31, 32, 33, 127, 128, 129, 4096, 100_003)

#: Specs beyond those of the CPU tests: rows longer than a warp, a block or shared memory, and many codes.
WIDE_SPECS = {
    "K=1300": ig.LatentSpec(0, (1300,), 3),
    "K=5000": ig.LatentSpec(2, (5000, 7), 1),
    "K=40000": ig.LatentSpec(0, (40_000,), 0),
    "K=1e6": ig.LatentSpec(0, (1_000_000,), 2),
    "many codes": ig.LatentSpec(1, (3,) * 100, 70, continuous_prior="normal"),
}
ALL_SPECS = {**SPECS, **WIDE_SPECS}

_MOST_ELEMENTS = 2**23  # of a head that is compared element by element

Results = tuple[Any, Any, Any]
_LossFunction = Callable[..., tuple[Tensor, Tensor]]


def seed_on_device(value: int) -> Tensor:
    return torch.tensor(value, dtype=torch.int64, device=DEVICE)


def on_device(latents: ig.Latents) -> ig.Latents:
    return ig.Latents(*(tensor.to(DEVICE) for tensor in latents))


def random_head(
    spec: ig.LatentSpec, batch: int, variance: object = "learned", dtype: torch.dtype = torch.float32, seed: int = 0
) -> Tensor:
    """A head on the device, of standard deviation 2."""
    generator = torch.Generator(DEVICE).manual_seed(seed)
    shape = (batch, spec.head_dim(variance))
    return (2.0 * torch.randn(shape, dtype=torch.float64, device=DEVICE, generator=generator)).to(dtype)


def draws_of(batch: int) -> int:
    """How many draws of a batch size make errors comparable: with few rows one draw says little."""
    return 8 if batch < 1000 else 2


def batches_of(spec: ig.LatentSpec, dtype: torch.dtype) -> Iterator[int]:
    """The batch sizes that a comparison with the exact result can afford."""
    most = _MOST_ELEMENTS if dtype != torch.float64 else _MOST_ELEMENTS // 512  # long double, on the CPU
    for batch in BATCHES:
        if batch <= 2 or batch * max(spec.head_dim(), 1) <= most:
            yield batch


def loss_and_gradient(
    function: _LossFunction, head: Tensor, latents: object, spec: ig.LatentSpec, upstream: float = 1.0, **settings: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """(loss, nll, upstream * d loss / d head), on the head's device and with its strides."""
    head = head.detach().requires_grad_()
    loss, nll = function(head, latents, spec, return_terms=True, **settings)
    (gradient,) = torch.autograd.grad(loss, head, torch.full_like(loss, upstream))
    return loss.detach(), nll, gradient


def exact_result(head: Tensor, latents: ig.Latents, spec: ig.LatentSpec, upstream: float, **settings: Any) -> Results:
    """The result in a precision beyond the head's: float64 on the device, for a float64 head long double."""
    if head.dtype == torch.float64:
        on_cpu = ig.Latents(*(tensor.cpu() for tensor in latents))
        return oracle.info_loss(head.cpu(), on_cpu, spec, upstream, **settings)
    return loss_and_gradient(ig.reference.info_loss, head.double(), latents, spec, upstream, **settings)


def errors(value: Tensor, exact: Any, spec: ig.LatentSpec) -> list[float]:
    """Largest error of each part, relative to the part's largest exact value.

    The parts of a gradient are the logits of each code, the means and the scales; of anything else, its elements, whose
    errors are absolute below 1 nat: a term near 0 is a difference of larger ones.
    """
    ours: Any = value.double()
    if not isinstance(exact, Tensor):
        ours, exact = ours.cpu().numpy().astype(oracle.LONG), np.asarray(exact)
    if ours.ndim == 2:
        rest = ours.shape[1] - sum(spec.categorical) - spec.continuous
        widths = (*spec.categorical, spec.continuous, rest)
    else:
        ours, exact = ours.reshape(-1), exact.reshape(-1)
        return [float(error) for error in abs(ours - exact) / abs(exact).clip(1.0)]
    return [_relative(a, b) for a, b in zip(_columns(ours, widths), _columns(exact, widths), strict=True)]


def by_kind(values: np.ndarray, categorical: int, continuous: int) -> np.ndarray:
    """The largest value of the categorical codes' parts, of the continuous codes' (or means'), and of the scales'."""
    kinds = np.split(values, (categorical, categorical + continuous))
    return np.array([kind.max() for kind in kinds if kind.size])


def _columns(matrix: Any, widths: Sequence[int]) -> Iterator[Any]:
    start = 0
    for width in widths:
        if width:
            yield matrix[:, start : start + width]
        start += width


def _relative(a: Any, b: Any) -> float:
    return float(abs(a - b).max()) / max(float(abs(b).max()), 1e-300)


def assert_accurate(cases: Sequence[tuple[Results, Results, Results]], spec: ig.LatentSpec) -> None:
    """Each kind of part errs at most twice as much as the reference does in the same precision on the same device.

    Where the reference is exact by luck, two roundings of the result's dtype are allowed, and to the loss, a sum over
    the codes, as many as summing them in pairs takes.

    Args:
        cases: ours, the reference's and the exact result of one or more draws. Errors are compared by their worst over
            the draws: in one draw of a few numbers the reference may be close to exact by luck.
        spec: the latent variables.
    """
    for index, name in enumerate(("loss", "nll", "gradient")):
        dtype = cases[0][0][index].dtype
        for ours, plain, _ in cases:
            assert ours[index].dtype == plain[index].dtype == dtype
            assert ours[index].shape == plain[index].shape
        parts = len(spec.categorical), spec.continuous if name == "nll" else min(spec.continuous, 1)
        our_errors, plain_errors = (
            by_kind(np.array([errors(case[which][index], case[2][index], spec) for case in cases]).max(axis=0), *parts)
            for which in (0, 1)
        )
        roundings = max(2.0, math.log2(max(spec.num_codes, 1))) if name == "loss" else 2.0
        allowed = np.maximum(2.0 * plain_errors, roundings * torch.finfo(dtype).eps)
        too_far = np.flatnonzero(~(our_errors <= allowed))  # NaN too
        assert not len(too_far), (
            f"{name} of heads {list(cases[0][0][2].shape)}, kinds {too_far} of {len(allowed)}: errors "
            f"{our_errors[too_far]}, the reference's {plain_errors[too_far]}"
        )


def assert_same(ours: Results, expected: Results, spec: ig.LatentSpec, roundings: float = 4.0) -> None:
    """Equal up to some roundings of each result's dtype, relative to the largest value of each kind of part.

    Not of each part: where a row's logits are almost certainly right, p - 1 has the rounding of p, which is no small
    fraction of it.
    """
    for name, a, b in zip(("loss", "nll", "gradient"), ours, expected, strict=True):
        assert a.dtype == b.dtype
        one_of_each = ig.LatentSpec(0, (sum(spec.categorical),) if spec.categorical else (), spec.continuous)
        largest = max(errors(a, b.to(a.device).double(), one_of_each), default=0.0)
        allowed = roundings * torch.finfo(a.dtype).eps
        assert largest <= allowed, f"{name}: an error of {largest:.3g}, allowed: {allowed:.3g}"


def assert_equal(ours: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """The same bits, NaN included."""
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0.0, atol=0.0, equal_nan=True)


def ulps(a: Tensor, b: Tensor) -> int:
    """Largest distance in units in the last place of their dtype."""
    integer = {2: torch.int16, 4: torch.int32, 8: torch.int64}[a.element_size()]

    def ordered(tensor: Tensor) -> Tensor:
        bits = tensor.cpu().contiguous().view(integer).long()
        return torch.where(bits < 0, torch.iinfo(integer).min - bits, bits)

    return int((ordered(a) - ordered(b)).abs().max()) if a.numel() else 0


def skip_without_memory(gibibytes: float) -> str | None:
    """Why a test that needs that much memory of the device cannot run; None if it can."""
    torch.cuda.empty_cache()
    free = torch.cuda.mem_get_info()[0] / 2**30
    return f"needs {gibibytes:g} GiB of device memory, {free:.1f} are free" if free < gibibytes else None
