"""The fastest product of two large matrices that torch has: the rate that a training step is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from infogan_fast.bench.cases import dtype_name
from infogan_fast.bench.timing import Function
from infogan_fast.training.processor import processor

_SIDE = {"cpu": 1024, "cuda": 8192}

MM, ONEDNN = "torch.mm", "oneDNN"


@dataclass(frozen=True)
class Products:
    """Products of two square matrices of random numbers, to be timed beside the steps.

    Of bfloat16 matrices where a step computes in bfloat16, unless a processor has no instructions for it: the fastest
    product there is that of float32 matrices.

    Args:
        device: ``cpu`` or ``cuda``.
        precision: of the steps, ``float32`` or ``bfloat16``.
    """

    device: str
    precision: str

    @property
    def side(self) -> int:
        """Rows and columns of the matrices."""
        return _SIDE[self.device]

    @property
    def dtype(self) -> torch.dtype:
        """Of the matrices."""
        has_bfloat16 = self.device == "cuda" or processor().has_bfloat16
        return torch.bfloat16 if self.precision == "bfloat16" and has_bfloat16 else torch.float32

    def functions(self) -> dict[str, Function]:
        """``torch.mm``, and oneDNN's product where this torch has it for the device, by name."""
        left, right = (torch.randn(self.side, self.side, device=self.device).to(self.dtype) for _ in range(2))
        out = torch.empty_like(left)
        functions: dict[str, Function] = {MM: lambda: torch.mm(left, right, out=out)}
        if self.device == "cpu" and processor().has_onednn:
            linear = torch.ops.mkldnn._linear_pointwise  # multiplies by the transposed of its second matrix
            functions[ONEDNN] = lambda: linear(left, right, None, "none", [], "")
        return functions

    def rates(self, seconds: dict[str, float]) -> dict[str, Any]:
        """What a row of results says about them.

        Args:
            seconds: of each of ``functions``.

        Returns:
            The dtype, the floating-point operations per second of each, which of them is the fastest, and its rate.
        """
        rates = {name: 2 * self.side**3 / value for name, value in seconds.items()}
        best = max(rates, key=lambda name: rates[name])
        return {
            "matrix_dtype": dtype_name(self.dtype),
            "matrix_flop_per_second": rates,
            "fastest_matrix_product": best,
            "matrix_product_flop_per_second": rates[best],
        }
