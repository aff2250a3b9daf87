"""Loads the compiled extension, and says what to do where it does not fit the torch at hand."""

from __future__ import annotations

from typing import Any

import torch

_REBUILD = "rebuild it in this environment: pip install --no-build-isolation --force-reinstall --no-deps ."

try:
    from infogan_fast import _C  # type: ignore[attr-defined]
except ImportError as error:
    raise ImportError(
        f"infogan_fast: the compiled extension is missing or does not fit torch {torch.__version__}; {_REBUILD}\n"
        f"The import failed with: {error}"
    ) from error


def build_info() -> dict[str, Any]:
    """How the package was built.

    Returns:
        ``version`` (of the package), ``torch`` (version it was built with), ``compiler``, ``cuda`` (toolkit version or
        ``None``), ``cuda_architectures`` (list of str), ``cuda_kernels`` (bool), ``cpu_simd`` (list of str:
        instruction sets beyond the compiler's baseline that the CPU kernels choose from at run time).
    """
    info: dict[str, Any] = _C.build_info()
    return info


def _release(version: str) -> str:
    return version.split("+")[0]


if _release(build_info()["torch"]) != _release(torch.__version__):
    raise ImportError(
        f"infogan_fast was built with torch {build_info()['torch']}, but torch {torch.__version__} is installed; "
        f"{_REBUILD}"
    )
