"""Where figures were taken: what has to stand beside every absolute number."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

import infogan_fast as ig


def machine() -> dict[str, Any]:
    """Processor, versions and commit."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {
        "cpu": _cpu(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "infogan_fast": ig.__version__,
        "commit": commit.stdout.strip() or None,
        "build": ig.build_info(),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
