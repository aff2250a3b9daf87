"""What is written down of a run beside its settings."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from typing import Any

import torch

from infogan_fast.model import InfoGAN
from infogan_fast.objectives import Term
from infogan_fast.version import __version__


def about_run(model: InfoGAN, terms: Sequence[Term]) -> dict[str, Any]:
    """What ``config.json`` holds beside the settings: how the run was started, and with what of the user's own."""
    return {
        "command_line": sys.argv,
        "versions": versions(),
        "threads": torch.get_num_threads(),
        "networks": model.class_names,
        "terms": [type(term).__qualname__ for term in terms],
    }


def versions() -> dict[str, str]:
    """Versions that a result depends on."""
    return {"infogan_fast": __version__, "torch": torch.__version__, "python": platform.python_version()}
