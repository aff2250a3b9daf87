"""Builds infogan_fast._C with torch's own BuildExtension; everything else about the package is in pyproject.toml."""

import contextlib
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.append(str(ROOT))  # for setup_cuda: pip builds without the project's folder on the path

NO_TORCH = """
infogan-fast is compiled against the torch that it will run with, and no torch can be imported in this environment.

  If torch is not installed yet:     pip install torch "setuptools>=77" wheel ninja pybind11
  then, or if it is installed:       pip install --no-build-isolation .

(--no-build-isolation lets the build see your torch; without it pip builds in an empty environment.)
"""

OUT_OF_MEMORY = """
The compiler was killed, most likely because the machine has run out of memory. Compile one file at a time:

  MAX_JOBS=1 pip install --no-build-isolation .
"""

# It warns about its guess at CUDA_HOME, which is not what is used here.
logging.getLogger("torch.utils.cpp_extension").disabled = True
try:
    import torch
    from torch.utils import cpp_extension
except ImportError as error:
    sys.exit(NO_TORCH if error.name == "torch" else f"{NO_TORCH}\nImporting torch failed with: {error}")
try:
    import pybind11
except ImportError:
    sys.exit("infogan-fast is built with pybind11, which is missing here: pip install pybind11 ninja wheel")

logging.getLogger("torch.utils.cpp_extension").disabled = False

import setuptools

from setup_cuda import CudaBuild, decide

MINIMUM_TORCH = (2, 11)
MINIMUM_SETUPTOOLS = 77
MEMORY_PER_JOB = 2 << 30  # bytes; what compiling one file takes, with room to spare


def check_setuptools() -> None:
    if int(setuptools.__version__.split(".")[0]) < MINIMUM_SETUPTOOLS:
        sys.exit(
            f"infogan-fast is built with setuptools >= {MINIMUM_SETUPTOOLS}, found {setuptools.__version__}: "
            f"pip install 'setuptools>={MINIMUM_SETUPTOOLS}'"
        )


def package_version() -> str:
    namespace: dict[str, str] = {}
    exec((ROOT / "infogan_fast" / "version.py").read_text(), namespace)
    return namespace["__version__"]


def check_torch() -> None:
    installed = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if installed < MINIMUM_TORCH:
        needed = ".".join(map(str, MINIMUM_TORCH))
        sys.exit(f"infogan-fast needs torch >= {needed}, found {torch.__version__}: pip install 'torch>={needed}'")


def sources(*folders: str, suffix: str = ".cpp") -> list[str]:
    """Relative to the project's folder, in an order that does not change."""
    return sorted(
        str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / "csrc" / folder).glob(f"*{suffix}")
    )


# The sampler's bits must not depend on what a compiler fuses, on the CPU or on the GPU; multiply-adds are written out
# where meant.
HOST_FLAGS = ["-fvisibility=hidden", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
WARNINGS = ["-Wall", "-Wextra", "-Wno-unknown-pragmas"]
NVCC_FLAGS = [
    "-O3",
    "-std=c++20",
    "-fmad=false",
    "-lineinfo",
    *(f"-Xcompiler={flag}" for flag in HOST_FLAGS + WARNINGS),
]


def compiler_flags(cuda: CudaBuild) -> list[str]:
    # Without debug symbols, which Python asks for by its own flags: they double the time to compile.
    flags = ["-O3", "-g0", "-std=c++20", *HOST_FLAGS, *WARNINGS, f'-DINFOGAN_FAST_VERSION="{package_version()}"']
    if sys.platform.startswith("linux"):
        # Compiled with OpenMP but not linked to it: the symbols come from the runtime that torch itself has loaded, so
        # that there is one pool of threads and torch.set_num_threads holds for both.
        flags.append("-fopenmp")
    if cuda.toolkit is not None:
        flags.append(f'-DINFOGAN_FAST_CUDA="{cuda.toolkit.version}"')
        flags.append(f'-DINFOGAN_FAST_CUDA_ARCHITECTURES="{" ".join(cuda.architectures)}"')
    return flags


def shared_standard_library() -> list[str]:
    """The C++ library to link with first, where there is one to share with torch.

    A compiler that links its own copy into everything (-static-libstdc++) would make two of them in one process, and
    what torch's streams write in an error message would look for the numbers' format in the other.
    """
    if not sys.platform.startswith("linux"):
        return []
    command = [cpp_extension.get_cxx_compiler(), "-print-file-name=libstdc++.so.6"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return [found] if Path(found).is_absolute() and Path(found).exists() else []


def extension(cuda: CudaBuild) -> setuptools.Extension:
    common = ["csrc/ops.cpp", "csrc/bindings.cpp", *sources("autograd", "cpu", "eager")]
    flags = {"cxx": compiler_flags(cuda), "nvcc": NVCC_FLAGS}
    include_dirs = [pybind11.get_include()]
    libraries = shared_standard_library()
    if cuda.toolkit is None:
        return cpp_extension.CppExtension(
            "infogan_fast._C",
            [*common, "csrc/without_cuda.cpp"],
            include_dirs=include_dirs,
            extra_compile_args=flags,
            extra_link_args=libraries,
        )
    cpp_extension.CUDA_HOME = str(cuda.toolkit.home)  # torch's own guess is wrong where nvcc is a wrapper script
    return cpp_extension.CUDAExtension(
        "infogan_fast._C",
        [*common, *sources("cuda"), *sources("cuda", suffix=".cu")],
        include_dirs=include_dirs + cuda.toolkit.include_dirs,
        extra_compile_args=flags,
        extra_link_args=libraries,
    )


class BuildExtension(cpp_extension.BuildExtension):
    """torch's, with a number of compilers that fits the memory, and a hint if one of them is killed."""

    def build_extensions(self) -> None:
        if "MAX_JOBS" not in os.environ and (jobs := jobs_for_memory()) < (os.cpu_count() or 1):
            os.environ["MAX_JOBS"] = str(jobs)
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            try:
                with copy_of_output(log):
                    super().build_extensions()
            except Exception:
                if re.search(r"\bKilled\b|signal 9", log.read_text(errors="replace")):
                    print(OUT_OF_MEMORY, file=sys.stderr)
                raise


def jobs_for_memory() -> int:
    """How many compilers fit into the memory that is free; sys.maxsize where the system does not say."""
    try:
        available = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
        return max(1, int(available[1]) * 1024 // MEMORY_PER_JOB) if available else sys.maxsize
    except OSError:
        return sys.maxsize


@contextlib.contextmanager
def copy_of_output(path: Path) -> Iterator[None]:
    """Copies to a file what this process and its children write to their standard output meanwhile."""
    sys.stdout.flush()
    output = os.dup(1)
    with subprocess.Popen(["tee", str(path)], stdin=subprocess.PIPE) as tee:
        assert tee.stdin is not None
        os.dup2(tee.stdin.fileno(), 1)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(output, 1)
            os.close(output)


def summary(cuda: CudaBuild) -> str:
    return (
        f"infogan-fast {package_version()}: building for torch {torch.__version__}, Python "
        f"{sys.version_info.major}.{sys.version_info.minor}\n"
        f"  CPU kernels:  yes\n{cuda.summary()}"
    )


check_setuptools()
check_torch()
cuda_build = decide()
print(summary(cuda_build), file=sys.stderr)
setuptools.setup(
    ext_modules=[extension(cuda_build)],
    cmdclass={"build_ext": BuildExtension.with_options(use_ninja=True)},
)
