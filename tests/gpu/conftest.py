"""Skips this folder, with the reason, where the CUDA kernels cannot run."""

import sys
from pathlib import Path

import pytest
import torch

import infogan_fast as ig

HERE = Path(__file__).parent
sys.path.append(str(HERE))


def why_not() -> str | None:
    """Why the tests of this folder cannot run; None if they can."""
    if not ig.build_info()["cuda_kernels"]:
        return "infogan_fast was built without CUDA kernels"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no GPU"
    return None


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items):
    reason = why_not()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.gpu)
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))
