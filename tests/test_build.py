"""What setup.py decides and says, with toolkits that are a few lines of shell. Nothing is compiled here."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

import infogan_fast as ig

ROOT = Path(__file__).resolve().parent.parent
ARCHITECTURES = (75, 80, 86, 89, 90, 100, 120)
VARIABLES = ("INFOGAN_FAST_CUDA", "CUDA_HOME", "CUDA_PATH", "TORCH_CUDA_ARCH_LIST")


def write_script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def make_toolkit(
    home: Path,
    *,
    version: str = "13.0",
    architectures: tuple[int, ...] = ARCHITECTURES,
    headers: str | None = "include",
) -> Path:
    """A folder that answers like a CUDA toolkit."""
    known = "\n".join(f"echo compute_{number}" for number in architectures)
    write_script(
        home / "bin" / "nvcc",
        f"""case "$1" in
--version) echo "Cuda compilation tools, release {version}, V{version}.88" ;;
--list-gpu-arch) {known} ;;
--dryrun) echo "#\\$ _HERE_={home}/bin" >&2; echo "#\\$ TOP={home}/bin/.." >&2 ;;
esac""",
    )
    if headers is not None:
        (home / headers).mkdir(parents=True)
        (home / headers / "cuda_runtime.h").touch()
    return home


@pytest.fixture
def setup_cuda(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, with a torch for CUDA 13.0, no GPU, no toolkit and none of its environment variables."""
    spec = importlib.util.spec_from_file_location("setup_cuda", ROOT / "setup_cuda.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "setup_cuda", module)
    spec.loader.exec_module(module)
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TORCH_CUDA_ARCH_LIST", "")  # decide() writes it; this way it is undone
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(module, "DEFAULT_TOOLKIT", tmp_path / "default")
    monkeypatch.setattr(torch, "__version__", "2.13.0+cu130")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    set_gpus(monkeypatch)
    return module


def set_gpus(monkeypatch: pytest.MonkeyPatch, *capabilities: tuple[int, int]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(capabilities))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda i: capabilities[i])


def message(setup_cuda: ModuleType) -> str:
    """What decide() exits with."""
    with pytest.raises(SystemExit) as exit_info:
        setup_cuda.decide()
    return str(exit_info.value)


# Which toolkit


def test_toolkit_behind_a_wrapper_on_path(setup_cuda, tmp_path):
    home = make_toolkit(tmp_path / "cuda-13.0")
    write_script(tmp_path / "path" / "nvcc", f'exec {home}/bin/nvcc "$@"')
    decision = setup_cuda.decide()
    assert decision.toolkit.home == home
    assert decision.toolkit.version == "13.0"
    assert decision.toolkit.include_dirs == []
    assert f"CUDA kernels: yes, with CUDA 13.0 at {home}\n" in decision.summary()


def test_toolkit_behind_a_link_on_path_that_does_not_say_where_it_is(setup_cuda, tmp_path):
    home = make_toolkit(tmp_path / "cuda-13.0")
    nvcc = home / "bin" / "nvcc"
    nvcc.write_text(nvcc.read_text().replace("--dryrun", "--unknown"))
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "nvcc").symlink_to(nvcc)
    assert setup_cuda.decide().toolkit.home == home


def test_cuda_home_wins(setup_cuda, tmp_path, monkeypatch):
    other = make_toolkit(tmp_path / "cuda-13.1", version="13.1")
    write_script(tmp_path / "path" / "nvcc", f'exec {make_toolkit(tmp_path / "cuda-13.0")}/bin/nvcc "$@"')
    monkeypatch.setenv("CUDA_HOME", str(other))
    assert setup_cuda.decide().toolkit.home == other


def test_toolkit_at_the_default_place(setup_cuda, tmp_path):
    assert setup_cuda.decide().toolkit is None
    make_toolkit(tmp_path / "default")
    assert setup_cuda.decide().toolkit.home == tmp_path / "default"


def test_headers_where_conda_has_them(setup_cuda, tmp_path, monkeypatch):
    home = make_toolkit(tmp_path / "conda", headers="targets/x86_64-linux/include")
    monkeypatch.setenv("CUDA_HOME", str(home))
    assert setup_cuda.decide().toolkit.include_dirs == [str(home / "targets" / "x86_64-linux" / "include")]


# No CUDA kernels: a reason in the summary, and an error if they were asked for


def no_torch_for_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch, "__version__", "2.13.0+cpu")
    make_toolkit(tmp_path / "default")
    return ["torch 2.13.0+cpu is a build without CUDA", "Install a CUDA build of torch"]


def no_toolkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return [f"no nvcc on PATH or in {tmp_path / 'default'}", "Install the CUDA toolkit, or set CUDA_HOME"]


def wrong_cuda_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    make_toolkit(tmp_path / "default")
    monkeypatch.setenv("CUDA_HOME", "/nowhere")
    return ["CUDA_HOME is /nowhere, where there is no bin/nvcc", "set CUDA_HOME"]


def toolkit_without_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    home = make_toolkit(tmp_path / "cuda", headers=None)
    monkeypatch.setenv("CUDA_HOME", str(home))
    return [f"no header cuda_runtime.h belongs to the nvcc in {home}", "set CUDA_HOME"]


def toolkit_of_another_major_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    home = make_toolkit(tmp_path / "cuda", version="12.8")
    monkeypatch.setenv("CUDA_HOME", str(home))
    return [
        f"the toolkit at {home} is CUDA 12.8, torch 2.13.0+cu130 is built with CUDA 13.0",
        "Set CUDA_HOME to a CUDA 13 toolkit, or install a torch built with CUDA 12",
    ]


def compiler_that_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    home = make_toolkit(tmp_path / "cuda")
    write_script(home / "bin" / "nvcc", "exit 127")
    monkeypatch.setenv("CUDA_HOME", str(home))
    return [f"{home}/bin/nvcc --version does not say a version", "Set CUDA_HOME to a working CUDA toolkit"]


@pytest.mark.parametrize(
    "obstacle",
    [
        no_torch_for_cuda,
        no_toolkit,
        wrong_cuda_home,
        toolkit_without_headers,
        toolkit_of_another_major_version,
        compiler_that_does_not_run,
    ],
)
def test_obstacles(setup_cuda, tmp_path, monkeypatch, obstacle):
    reason, remedy = obstacle(tmp_path, monkeypatch)
    decision = setup_cuda.decide()
    assert decision.toolkit is None
    assert f"CUDA kernels: no ({reason}" in decision.summary()

    monkeypatch.setenv("INFOGAN_FAST_CUDA", "1")
    said = message(setup_cuda)
    assert f"INFOGAN_FAST_CUDA=1, but the CUDA kernels cannot be built: {reason}" in said
    assert remedy in said
    assert "set INFOGAN_FAST_CUDA=0" in said


def test_another_minor_version_is_fine(setup_cuda, tmp_path):
    make_toolkit(tmp_path / "default", version="13.2")
    assert setup_cuda.decide().toolkit.version == "13.2"


def test_switched_off(setup_cuda, tmp_path, monkeypatch):
    make_toolkit(tmp_path / "default")
    monkeypatch.setenv("INFOGAN_FAST_CUDA", "0")
    assert setup_cuda.decide().summary() == "  CUDA kernels: no (INFOGAN_FAST_CUDA=0)"


def test_switch_with_another_value(setup_cuda, monkeypatch):
    monkeypatch.setenv("INFOGAN_FAST_CUDA", "yes")
    assert "INFOGAN_FAST_CUDA: got 'yes', allowed: 0" in message(setup_cuda)


# For which GPUs


@pytest.mark.parametrize(
    ("architectures", "expected"),
    [
        (ARCHITECTURES, ("7.5", "8.0", "9.0", "10.0", "12.0+PTX")),
        ((50, 60, 70, 75, 80, 86, 87, 89, 90), ("7.5", "8.0", "9.0+PTX")),
    ],
)
def test_portable_architectures_without_a_gpu(setup_cuda, tmp_path, architectures, expected):
    make_toolkit(tmp_path / "default", architectures=architectures)
    decision = setup_cuda.decide()
    assert decision.architectures == expected
    assert os.environ["TORCH_CUDA_ARCH_LIST"] == ";".join(expected)  # which torch reads when it compiles
    assert "no GPU here" in decision.summary()


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        ([(9, 0)], ("9.0+PTX",)),
        ([(8, 6), (7, 5), (8, 6)], ("7.5", "8.6+PTX")),
        ([(12, 1)], ("12.0+PTX",)),  # newer than what this nvcc knows
    ],
)
def test_the_gpus_of_the_machine(setup_cuda, tmp_path, monkeypatch, gpus, expected):
    make_toolkit(tmp_path / "default")
    set_gpus(monkeypatch, *gpus)
    decision = setup_cuda.decide()
    assert decision.architectures == expected
    assert "the GPUs of this machine" in decision.summary()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("8.0;9.0;12.0+PTX", ("8.0", "9.0", "12.0+PTX")),
        ("9.0 8.0", ("8.0", "9.0")),
        ("Ampere", ("8.0", "8.6+PTX")),
        ("9.0a", ("9.0a",)),
    ],
)
def test_the_list_of_the_user(setup_cuda, tmp_path, monkeypatch, asked, expected):
    make_toolkit(tmp_path / "default")
    set_gpus(monkeypatch, (7, 5))
    monkeypatch.setenv("TORCH_CUDA_ARCH_LIST", asked)
    decision = setup_cuda.decide()
    assert decision.architectures == expected
    assert "(TORCH_CUDA_ARCH_LIST)" in decision.summary()
    assert os.environ["TORCH_CUDA_ARCH_LIST"] == asked


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ("7.0;9.0", "this nvcc does not know 7.0"),
        ("90", "torch 2.13.0+cu130 does not know all"),
        ("native", "torch sees no GPU here"),
    ],
)
def test_a_list_that_cannot_be_built(setup_cuda, tmp_path, monkeypatch, asked, complaint):
    make_toolkit(tmp_path / "default")
    monkeypatch.setenv("TORCH_CUDA_ARCH_LIST", asked)
    said = message(setup_cuda)
    assert f"TORCH_CUDA_ARCH_LIST: got {asked!r}" in said
    assert complaint in said
    assert "7.5 8.0 8.6 8.9 9.0 10.0 12.0" in said


# setup.py as a whole


def run_setup(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in VARIABLES} | variables
    return subprocess.run(
        [sys.executable, "setup.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_summary():
    result = run_setup("--name", INFOGAN_FAST_CUDA="0")
    assert result.returncode == 0, result.stdout
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (
        f"infogan-fast {ig.build_info()['version']}: building for torch {torch.__version__}, Python {python}\n"
        "  CPU kernels:  yes\n"
        "  CUDA kernels: no (INFOGAN_FAST_CUDA=0)\n"
    ) in result.stdout


def test_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')")
    result = run_setup("--name", PYTHONPATH=str(tmp_path))
    assert result.returncode != 0
    assert "pip install --no-build-isolation ." in result.stdout
    assert "Traceback" not in result.stdout


def test_a_compiler_killed_for_memory(tmp_path):
    killed = 'echo "c++: fatal error: Killed signal terminated program cc1plus"; exit 1'
    write_script(tmp_path / "c++", f'case "$*" in *" -c "*) {killed} ;; *) exec /usr/bin/env c++ "$@" ;; esac')
    folders = [f"--build-temp={tmp_path / 'temp'}", f"--build-lib={tmp_path / 'lib'}"]
    result = run_setup("build_ext", *folders, INFOGAN_FAST_CUDA="0", CXX=str(tmp_path / "c++"))
    assert result.returncode != 0
    assert "MAX_JOBS=1 pip install --no-build-isolation ." in result.stdout


# What was built


@pytest.mark.skipif(ig.build_info()["cuda_kernels"], reason="this build has CUDA kernels")
def test_ops_without_cuda_kernels_say_so():
    head, loss = torch.zeros(2, 3), torch.zeros(())
    on_cuda = torch._C.DispatchKeySet(torch._C.DispatchKey.CUDA)
    op = torch.ops.infogan_fast.info_loss_backward.default
    with pytest.raises(NotImplementedError, match=r"infogan_fast::info_loss_backward: .* no CUDA kernels; rebuild"):
        op.redispatch(on_cuda, loss, head, torch.zeros(1), [3], 0, torch.float32)


def test_build_info_of_cuda_is_consistent():
    info = ig.build_info()
    assert isinstance(info["cuda_architectures"], list)
    assert (info["cuda"] is not None) == info["cuda_kernels"] == bool(info["cuda_architectures"])


@pytest.mark.skipif(not sys.platform.startswith("linux") or shutil.which("nm") is None, reason="needs ELF and nm")
def test_the_extension_shares_the_standard_library_with_torch():
    symbols = subprocess.run(["nm", "-D", ig._extension._C.__file__], capture_output=True, text=True, check=True).stdout
    (insertion,) = re.findall(r"^.* (\w) _ZNSo9_M_insertIlEERSoT_\b.*$", symbols, re.MULTILINE)
    assert insertion == "U"  # std::ostream << long is another library's
