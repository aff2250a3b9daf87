"""Loads the compiled extension, and says what to do where it does not fit the torch at hand."""

from __future__ import annotations

import os
from typing import Any

import torch

_REBUILD = "rebuild it in this environment: pip install --no-build-isolation --force-reinstall --no-deps ."
# Libraries that only the CUDA builds of torch bring.
_CUDA_LIBRARIES = ("libc10_cuda", "libtorch_cuda", "libcudart")


def _import_error(error: ImportError) -> str:
    """What to say where the extension cannot be loaded."""
    what = f"the compiled extension is missing or does not fit torch {torch.__version__}"
    if any(library in str(error) for library in _CUDA_LIBRARIES):
        has = f"built with CUDA {torch.version.cuda}" if torch.version.cuda else "a build without CUDA"
        what = f"the compiled extension has CUDA kernels that do not fit torch {torch.__version__}, {has}"
    return f"infogan_fast: {what}; {_REBUILD}\nThe import failed with: {error}"


try:
    from infogan_fast import _C  # type: ignore[attr-defined]
except ImportError as error:
    raise ImportError(_import_error(error)) from error

#: The compiled module: importing it has registered the ops.
EXTENSION: Any = _C


def build_info() -> dict[str, Any]:
    """How the package was built.

    Returns:
        ``version`` (of the package), ``torch`` (version it was built with), ``compiler``, ``cuda`` (toolkit version or
        ``None``), ``cuda_architectures`` (list of str), ``cuda_kernels`` (bool), ``cpu_simd`` (list of str: the
        versions of the CPU kernels that this machine can run, the best last) and ``cpu_simd_used`` (the best, or the
        one that the environment variable ``INFOGAN_FAST_SIMD`` named when the package was imported).
    """
    info: dict[str, Any] = _C.build_info()
    return info


_wanted = os.environ.get("INFOGAN_FAST_SIMD")
if _wanted is not None and _wanted not in build_info()["cpu_simd"]:
    raise ImportError(
        f"INFOGAN_FAST_SIMD: got {_wanted!r}, allowed on this machine: {', '.join(build_info()['cpu_simd'])}"
    )


def _release(version: str) -> str:
    return version.split("+")[0]


def _cuda_major(version: str) -> str:
    return version.split(".")[0]


if _release(build_info()["torch"]) != _release(torch.__version__):
    raise ImportError(
        f"infogan_fast was built with torch {build_info()['torch']}, but torch {torch.__version__} is installed; "
        f"{_REBUILD}"
    )
if build_info()["cuda_kernels"] and _cuda_major(build_info()["cuda"]) != _cuda_major(torch.version.cuda or "none"):
    raise ImportError(
        f"infogan_fast was built with CUDA {build_info()['cuda']}, but torch {torch.__version__} is built with CUDA "
        f"{torch.version.cuda}; {_REBUILD}"
    )
