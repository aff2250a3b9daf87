"""Builds infogan_fast._C with torch's own BuildExtension; everything else about the package is in pyproject.toml."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

NO_TORCH = """
infogan-fast is compiled against the torch that it will run with, and no torch can be imported in this environment.

  If torch is not installed yet:     pip install torch "setuptools>=77" wheel ninja pybind11
  then, or if it is installed:       pip install --no-build-isolation .

(--no-build-isolation lets the build see your torch; without it pip builds in an empty environment.)
"""

try:
    import torch
    from torch.utils.cpp_extension import BuildExtension, CppExtension
except ImportError as error:
    sys.exit(NO_TORCH if error.name == "torch" else f"{NO_TORCH}\nImporting torch failed with: {error}")
try:
    import pybind11
except ImportError:
    sys.exit("infogan-fast is built with pybind11, which is missing here: pip install pybind11 ninja wheel")

import setuptools

MINIMUM_TORCH = (2, 11)
MINIMUM_SETUPTOOLS = 77


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


def extension() -> CppExtension:
    sources = [
        "csrc/ops.cpp",
        "csrc/bindings.cpp",
        *sorted(
            str(path.relative_to(ROOT))
            for folder in ("autograd", "cpu")
            for path in (ROOT / "csrc" / folder).glob("*.cpp")
        ),
    ]
    compile_args = [
        "-O3",
        "-std=c++20",
        "-fvisibility=hidden",
        # The sampler's bits must not depend on what the compiler fuses; multiply-adds are written out where meant.
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-Wall",
        "-Wextra",
        "-Wno-unknown-pragmas",
        f'-DINFOGAN_FAST_VERSION="{package_version()}"',
    ]
    if sys.platform.startswith("linux"):
        # Compiled with OpenMP but not linked to it: the symbols come from the runtime that torch itself has loaded, so
        # that there is one pool of threads and torch.set_num_threads holds for both.
        compile_args.append("-fopenmp")
    return CppExtension(
        "infogan_fast._C",
        sources,
        include_dirs=[pybind11.get_include()],
        extra_compile_args={"cxx": compile_args},
    )


def summary() -> None:
    print(
        f"infogan-fast {package_version()}: building for torch {torch.__version__}, Python "
        f"{sys.version_info.major}.{sys.version_info.minor}\n"
        "  CPU kernels:  yes\n"
        "  CUDA kernels: no (this version has none)",
        file=sys.stderr,
    )


check_setuptools()
check_torch()
summary()
setuptools.setup(
    ext_modules=[extension()],
    cmdclass={"build_ext": BuildExtension.with_options(use_ninja=True)},
)
