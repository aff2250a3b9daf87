"""Prints what each CUDA kernel takes on the GPU, from the log of a build with `nvcc --resource-usage`.

    NVCC_APPEND_FLAGS=--resource-usage make build 2>&1 | tee log; python .ci/ptxas_table.py log

Fails if a kernel spills registers or has a stack frame, or if the log has no kernels.
"""

import re
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass
class Usage:
    """Of one kernel on one architecture; bytes, except for the registers."""

    registers: int = 0
    shared: int = 0
    stack: int = 0
    spill_stores: int = 0
    spill_loads: int = 0

    @property
    def spills(self) -> bool:
        return self.stack > 0 or self.spill_stores > 0 or self.spill_loads > 0


PATTERNS = {
    "registers": r"Used (\d+) registers",
    "shared": r"(\d+) bytes smem",
    "stack": r"(\d+) bytes stack frame",
    "spill_stores": r"(\d+) bytes spill stores",
    "spill_loads": r"(\d+) bytes spill loads",
}
assert list(PATTERNS) == [field.name for field in fields(Usage)]


def read_log(log: str) -> dict[tuple[str, int], Usage]:
    """By kernel (mangled) and architecture."""
    usages: dict[tuple[str, int], Usage] = {}
    for block in log.split("Compiling entry function ")[1:]:
        head = re.match(r"'(\w+)' for 'sm_(\d+)", block)
        assert head is not None, block[:200]
        name, arch = head[1], int(head[2])
        own = block[block.find(f"Function properties for {name}") :]  # not those of a function that it calls
        found = {key: re.search(pattern, own) for key, pattern in PATTERNS.items()}
        usages[name, arch] = Usage(**{key: int(match[1]) if match else 0 for key, match in found.items()})
    return usages


def short_names(mangled: list[str]) -> list[str]:
    """`info_loss_kernel<float>`: demangled, without result, arguments and namespaces."""
    command = ["c++filt", "--no-params"]
    demangled = subprocess.run(command, input="\n".join(mangled), capture_output=True, text=True, check=True).stdout
    return [re.sub(r"(\(anonymous namespace\)|\w+)::", "", re.sub(r"^void ", "", s)) for s in demangled.splitlines()]


def main() -> int:
    usages = read_log(Path(sys.argv[1]).read_text(errors="replace"))
    if not usages:
        print(f"{sys.argv[1]}: no kernels in this log; was it built with NVCC_APPEND_FLAGS=--resource-usage?")
        return 1
    kernels = sorted({name for name, _ in usages})
    archs = sorted({arch for _, arch in usages})
    names = dict(zip(kernels, short_names(kernels), strict=True))
    width = max(len(name) for name in names.values())
    columns = "".join(f"{f'sm_{arch}':>8}" for arch in archs)
    print(f"{'registers per thread on':<{width}}{columns}{'shared memory':>15}{'stack, spills (bytes)':>23}")
    for kernel in sorted(kernels, key=names.__getitem__):
        of_kernel = {arch: usages[kernel, arch] for arch in archs if (kernel, arch) in usages}
        registers = "".join(f"{of_kernel[arch].registers if arch in of_kernel else '-':>8}" for arch in archs)
        shared = max(usage.shared for usage in of_kernel.values())
        worst = max(usage.stack + usage.spill_stores + usage.spill_loads for usage in of_kernel.values())
        print(f"{names[kernel]:<{width}}{registers}{shared:>15}{worst:>23}")
    spilling = {key: usage for key, usage in usages.items() if usage.spills}
    for (kernel, arch), usage in spilling.items():
        print(
            f"{names[kernel]} on sm_{arch}: {usage.stack} bytes of stack frame, {usage.spill_stores} bytes of spill "
            f"stores, {usage.spill_loads} of spill loads; allowed: none"
        )
    return 1 if spilling else 0


if __name__ == "__main__":
    sys.exit(main())
