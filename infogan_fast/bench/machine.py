"""The machine that results were taken on, which has to stand beside every absolute number.

``python -m infogan_fast.bench.machine`` prints the name of the folder that results on this processor are kept in.
"""

from __future__ import annotations

import platform
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

import infogan_fast as ig

_ROOT = Path(__file__).resolve().parents[2]


def machine() -> dict[str, Any]:
    """The processor, the versions that results depend on, and the commit."""
    commit = None
    if (_ROOT / ".git").exists():  # else the package is installed, and the working folder may be any repository
        command = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty"]
        with suppress(OSError):
            commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
    return {
        "cpu": _cpu(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "infogan_fast": ig.__version__,
        "commit": commit,
        "build": ig.build_info(),
    }


def vendor_of(machine: dict[str, Any]) -> str:
    """``"intel"``, ``"amd"`` or ``"other"``.

    Args:
        machine: what ``machine`` returned, now or in a version of the package that did not tell the vendor.
    """
    known = machine.get("build", {}).get("cpu_vendor")
    if known is not None:
        return str(known)
    name = machine.get("cpu", "").lower()
    return next((vendor for vendor in ("intel", "amd") if vendor in name), "other")


def processor_folder(build: dict[str, Any] | None = None) -> str:
    """Where results on a processor are kept: its vendor and its widest instruction set, such as ``"amd-avx2"``.

    Args:
        build: what ``infogan_fast.build_info`` returns; None = of this machine.
    """
    build = ig.build_info() if build is None else build
    return f"{build['cpu_vendor']}-{build['cpu_simd'][-1]}"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    print(processor_folder())
