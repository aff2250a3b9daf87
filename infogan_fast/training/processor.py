"""What the processor decides: the library that multiplies matrices, and whether bfloat16 pays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from infogan_fast._extension import build_info
from infogan_fast.training.settings import TrainConfig


@dataclass(frozen=True)
class Processor:
    """What the choices depend on."""

    vendor: str
    """``"intel"``, ``"amd"`` or ``"other"``."""
    widest_simd: str
    """The widest vector instructions: ``"avx512"``, ``"avx2"`` or ``"baseline"``."""
    has_bfloat16: bool
    """Whether it has instructions for bfloat16: AVX512_BF16, which every processor with AMX has too."""
    has_onednn: bool
    """Whether the installed torch has oneDNN's matrix product."""

    @property
    def matrix_product(self) -> str:
        """The faster library for float32 products, ``"blas"`` or ``"onednn"``.

        MKL leaves AVX-512 alone on processors of other vendors than Intel, and oneDNN does not: on Zen 5 it is twice as
        fast. Without AVX-512 MKL is the faster one on either (``benchmarks/NOTES.md`` has the figures).
        """
        return "onednn" if self.has_onednn and self.widest_simd == "avx512" and self.vendor != "intel" else "blas"

    @property
    def precision(self) -> str:
        """The faster precision, ``"float32"`` or ``"bfloat16"``."""
        return "bfloat16" if self.has_bfloat16 else "float32"

    @property
    def name(self) -> str:
        """In words, such as ``an AMD processor with AVX-512``."""
        vendor = {"intel": "an Intel", "amd": "an AMD"}.get(self.vendor, "a")
        simd = {"avx512": "with AVX-512", "avx2": "with AVX2"}.get(self.widest_simd, "without AVX2")
        return f"{vendor} processor {simd}"


@cache
def processor() -> Processor:
    """Of this machine."""
    info = build_info()
    return Processor(info["cpu_vendor"], info["cpu_simd"][-1], info["cpu_bfloat16"], info["onednn"])


def uses_onednn(config: TrainConfig) -> bool:
    """Whether a run's products of matrices are oneDNN's."""
    chosen = config.matrix_product
    return (processor().matrix_product if chosen == "auto" else chosen) == "onednn"
