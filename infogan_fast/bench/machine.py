"""The machine that results were taken on, which has to stand beside every absolute number."""

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


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
