"""The trainer with device "cuda" where there is none: no tensor is left on the CPU, and no step reads one back."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def guard(tmp_path_factory):
    """Arguments of fake_cuda.py that a torch without CUDA needs: the library with a device guard."""
    if torch.version.cuda is not None:
        return []
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs a C++ compiler on Linux")
    library, torch_folder = tmp_path_factory.mktemp("guard") / "guard.so", Path(torch.__file__).parent
    flags = ["-std=c++20", "-shared", "-fPIC", f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"]
    paths = [f"-I{torch_folder / 'include'}", f"-L{torch_folder / 'lib'}"]
    command = [compiler, *flags, *paths, str(HERE / "fake_cuda_guard.cpp"), "-lc10", "-o", str(library)]
    subprocess.run(command, check=True)
    return [str(library)]


def test_every_kind_of_run_stays_on_the_device(guard):
    command = [sys.executable, str(HERE / "fake_cuda.py"), "all", *guard]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
