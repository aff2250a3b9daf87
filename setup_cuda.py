"""For setup.py: whether the CUDA kernels can be built here, with which toolkit and for which GPU architectures.

They are built where torch is a CUDA build and a matching toolkit is found; a GPU is not needed. Environment variables:

INFOGAN_FAST_CUDA      0: CPU kernels only. 1: it is an error if the CUDA kernels cannot be built.
CUDA_HOME              the toolkit's folder, the one with bin/nvcc; without it nvcc on PATH is asked where it lives.
TORCH_CUDA_ARCH_LIST   such as "8.0;9.0+PTX", or "native": the GPUs of this machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils import cpp_extension

DEFAULT_TOOLKIT = Path("/usr/local/cuda")
# For a machine without a GPU. An architecture's code also runs on later ones of its major version (8.0: 8.6, 8.7, 8.9;
# 10.0: 10.3; 12.0: 12.1), and the PTX of the last on what comes after it.
PORTABLE_ARCHITECTURES = ("7.5", "8.0", "9.0", "10.0", "12.0")
# In a flag of nvcc: machine code (sm) or PTX (compute) for an architecture such as 120 or 90a.
CODE = r"code=(sm|compute)_(\d+)([a-z]?)"


class CannotBuildError(Exception):
    """Why the CUDA kernels cannot be built, and what would change that."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True)
class Toolkit:
    """A CUDA toolkit that has a compiler and headers."""

    home: Path
    version: str  # "13.0"
    architectures: tuple[str, ...]  # that its nvcc knows, such as "9.0", in ascending order

    @property
    def include_dirs(self) -> list[str]:
        """Where the headers are, if not in home/include, which torch adds by itself (conda has them in targets/)."""
        folders = header_folders(self.home)
        return [] if self.home / "include" in folders else [str(folder) for folder in folders]


@dataclass(frozen=True)
class CudaBuild:
    """The decision: a toolkit and what to build with it, or None and the reason."""

    toolkit: Toolkit | None
    reason: str
    architectures: tuple[str, ...] = ()  # such as "8.0", "12.0+PTX"

    def summary(self) -> str:
        """What setup.py prints."""
        if self.toolkit is None:
            return f"  CUDA kernels: no ({self.reason})"
        return (
            f"  CUDA kernels: yes, with CUDA {self.toolkit.version} at {self.toolkit.home}\n"
            f"  for GPUs:     {' '.join(self.architectures)} ({self.reason})"
        )


def decide() -> CudaBuild:
    """Looks at torch, the toolkit and the environment variables; exits with a message where these contradict."""
    wanted = os.environ.get("INFOGAN_FAST_CUDA", "")
    if wanted not in ("", "0", "1"):
        sys.exit(
            f"INFOGAN_FAST_CUDA: got {wanted!r}, allowed: 0 (CPU kernels only), 1 (fail unless the CUDA kernels can be "
            "built), or unset (build them if that is possible)"
        )
    if wanted == "0":
        return CudaBuild(None, "INFOGAN_FAST_CUDA=0")
    try:
        check_torch_is_cuda_build()
        toolkit = find_toolkit()
        check_toolkit_fits_torch(toolkit)
    except CannotBuildError as error:
        if wanted == "1":
            sys.exit(
                f"\nINFOGAN_FAST_CUDA=1, but the CUDA kernels cannot be built: {error.reason}.\n\n"
                f"  {error.remedy}.\n  To build without CUDA kernels, set INFOGAN_FAST_CUDA=0.\n"
            )
        return CudaBuild(None, error.reason)
    architectures, reason = choose_architectures(toolkit)
    return CudaBuild(toolkit, reason, architectures)


def check_torch_is_cuda_build() -> None:
    """Raises CannotBuildError for a torch without CUDA."""
    if torch.version.cuda is None:
        raise CannotBuildError(
            f"torch {torch.__version__} is a build without CUDA",
            "Install a CUDA build of torch first (https://pytorch.org/get-started/locally)",
        )


def find_toolkit() -> Toolkit:
    """The toolkit that CUDA_HOME names, else that of the nvcc on PATH, else /usr/local/cuda."""
    install = "Install the CUDA toolkit, or set CUDA_HOME to its folder, the one with bin/nvcc"
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
    nvcc = shutil.which("nvcc")
    if home:
        if not (Path(home) / "bin" / "nvcc").is_file():
            raise CannotBuildError(f"CUDA_HOME is {home}, where there is no bin/nvcc", install)
        candidates = [Path(home)]
    elif nvcc is not None:
        candidates = homes_of(nvcc)
    else:
        candidates = [DEFAULT_TOOLKIT]
    for candidate in candidates:
        if (candidate / "bin" / "nvcc").is_file() and header_folders(candidate):
            return read_toolkit(candidate)
    if home or nvcc is not None:
        tried = " or ".join(str(candidate) for candidate in candidates)
        raise CannotBuildError(f"no header cuda_runtime.h belongs to the nvcc in {tried}", install)
    raise CannotBuildError(f"no nvcc on PATH or in {DEFAULT_TOOLKIT}, and CUDA_HOME is not set", install)


def homes_of(nvcc: str) -> list[Path]:
    """Where the toolkit of an nvcc on PATH may be: that nvcc may be a wrapper script, so it is asked first."""
    homes = []
    if top := re.search(r"^#\$ TOP=(.+)$", run(nvcc, "--dryrun", "-x", "cu", os.devnull), re.MULTILINE):
        homes.append(Path(top[1].strip()).resolve())
    for path in (Path(nvcc).resolve(), Path(nvcc)):
        if path.parent.parent not in homes:
            homes.append(path.parent.parent)
    return homes


def header_folders(home: Path) -> list[Path]:
    """Where a toolkit has the runtime's headers; nvcc finds them by itself, the C++ compiler has to be told."""
    return [
        path.parent for pattern in ("include", "targets/*/include") for path in home.glob(f"{pattern}/cuda_runtime.h")
    ]


def read_toolkit(home: Path) -> Toolkit:
    """Asks the toolkit's nvcc for its version and architectures."""
    nvcc = str(home / "bin" / "nvcc")
    release = re.search(r"release (\d+\.\d+)", run(nvcc, "--version"))
    if release is None:
        raise CannotBuildError(f"{nvcc} --version does not say a version", "Set CUDA_HOME to a working CUDA toolkit")
    known = {int(number) for number in re.findall(r"compute_(\d+)", run(nvcc, "--list-gpu-arch"))}
    return Toolkit(home, release[1], tuple(decimal(number) for number in sorted(known)))


def decimal(number: int) -> str:
    """An architecture as TORCH_CUDA_ARCH_LIST writes it: "12.0" for 120."""
    return f"{number // 10}.{number % 10}"


def run(*command: str) -> str:
    """What a command prints on either stream; empty if it cannot be run."""
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def check_toolkit_fits_torch(toolkit: Toolkit) -> None:
    """Raises CannotBuildError if toolkit and torch differ in the major version of CUDA."""
    assert torch.version.cuda is not None
    major = torch.version.cuda.split(".")[0]
    if toolkit.version.split(".")[0] != major:
        raise CannotBuildError(
            f"the toolkit at {toolkit.home} is CUDA {toolkit.version}, torch {torch.__version__} is built with CUDA "
            f"{torch.version.cuda}",
            f"Set CUDA_HOME to a CUDA {major} toolkit, or install a torch built with CUDA "
            f"{toolkit.version.split('.')[0]}",
        )


def choose_architectures(toolkit: Toolkit) -> tuple[tuple[str, ...], str]:
    """The architectures to build for, which TORCH_CUDA_ARCH_LIST holds from here on, and why these."""
    asked = os.environ.get("TORCH_CUDA_ARCH_LIST", "").strip()
    gpus = [] if asked not in ("", "native") or not torch.cuda.is_available() else visible_gpus()
    if asked == "native" and not gpus:
        sys.exit(
            "TORCH_CUDA_ARCH_LIST: got 'native', but torch sees no GPU here; name the architectures, such as "
            f'TORCH_CUDA_ARCH_LIST="8.0;9.0+PTX", of those that CUDA {toolkit.version} knows: '
            f"{' '.join(toolkit.architectures)}"
        )
    if gpus:
        chosen, reason = native_architectures(gpus, toolkit), "the GPUs of this machine"
    elif asked:
        chosen, reason = asked, "TORCH_CUDA_ARCH_LIST"
    else:
        supported = [arch for arch in PORTABLE_ARCHITECTURES if arch in toolkit.architectures]
        chosen, reason = ";".join(supported) + "+PTX", "no GPU here: a portable choice; set TORCH_CUDA_ARCH_LIST"
    os.environ["TORCH_CUDA_ARCH_LIST"] = chosen
    return expand_architectures(toolkit), reason


def visible_gpus() -> list[tuple[int, int]]:
    """Compute capabilities of the GPUs that torch sees."""
    return sorted({torch.cuda.get_device_capability(i) for i in range(torch.cuda.device_count())})


def native_architectures(gpus: list[tuple[int, int]], toolkit: Toolkit) -> str:
    """Each GPU's own architecture, or for one that nvcc does not know yet the last before it, whose PTX it can run."""
    known = [tuple(map(int, arch.split("."))) for arch in toolkit.architectures]
    best = sorted({max((arch for arch in known if arch <= gpu), default=known[0]) for gpu in gpus})
    return ";".join(f"{major}.{minor}" for major, minor in best) + "+PTX"


def expand_architectures(toolkit: Toolkit) -> tuple[str, ...]:
    """What torch makes of TORCH_CUDA_ARCH_LIST (it knows names such as "Hopper"), checked against what nvcc knows."""
    got = os.environ["TORCH_CUDA_ARCH_LIST"]
    allowed = f"CUDA {toolkit.version} at {toolkit.home} knows: {' '.join(toolkit.architectures)} (each also with +PTX)"
    try:
        flags = cpp_extension._get_cuda_arch_flags()
    except ValueError:  # not one of those that torch has heard of
        sys.exit(f"TORCH_CUDA_ARCH_LIST: got {got!r}, of which torch {torch.__version__} does not know all; {allowed}")
    code = sorted({(int(number), suffix, kind) for kind, number, suffix in re.findall(CODE, " ".join(flags))})
    unknown = {decimal(number) for number, _, _ in code} - set(toolkit.architectures)
    if unknown:
        sys.exit(f"TORCH_CUDA_ARCH_LIST: got {got!r}; this nvcc does not know {' '.join(sorted(unknown))}; {allowed}")
    ptx = {(number, suffix) for number, suffix, kind in code if kind == "compute"}
    return tuple(
        decimal(number) + suffix + ("+PTX" if (number, suffix) in ptx else "")
        for number, suffix, kind in code
        if kind == "sm"
    )
