"""Checks an installed build with CUDA kernels on a machine that has no GPU.

    python .ci/check_cuda_wheel.py "8.0;9.0;12.0+PTX"      (the TORCH_CUDA_ARCH_LIST that it was built with)

Run it from a folder where the source tree does not shadow the installed package.
"""

import struct
import sys
import sysconfig
from pathlib import Path

import torch

import infogan_fast as ig
from infogan_fast import _C

OPS_WITH_CUDA_KERNELS = ("sample_latents", "info_loss_forward", "info_loss_backward")
FATBIN_MAGIC = struct.pack("<IH", 0xBA55ED50, 1)


def embedded_code(library: Path) -> set[str]:
    """The architectures of the machine code and PTX in a library ("8.0", "12.0+PTX"), by its fat binaries' headers."""
    data = library.read_bytes()
    found = set()
    start = data.find(FATBIN_MAGIC)
    while start >= 0:
        # magic, version, size of this header, size of the entries after it
        _, _, header, size = struct.unpack_from("<IHHQ", data, start)
        entry, end = start + header, start + header + size
        while entry < end:
            # kind (1 is PTX, 2 machine code), version, size of the entry's header, size of its code
            kind, _, entry_header, code = struct.unpack_from("<HHIQ", data, entry)
            (arch,) = struct.unpack_from("<I", data, entry + 28)
            found.add(f"{arch // 10}.{arch % 10}" + ("+PTX" if kind == 1 else ""))
            entry += entry_header + code
        start = data.find(FATBIN_MAGIC, end)
    return found


def main() -> None:
    wanted = sys.argv[1].split(";")

    installed = Path(ig.__file__).resolve()
    assert installed.is_relative_to(Path(sysconfig.get_path("platlib")).resolve()), installed

    info = ig.build_info()
    print(info)
    assert info["cuda_kernels"] is True
    assert info["cuda"] is not None
    assert info["cuda"].split(".")[0] == torch.version.cuda.split(".")[0], (info["cuda"], torch.version.cuda)
    assert info["cuda_architectures"] == wanted, (info["cuda_architectures"], wanted)

    for op in OPS_WITH_CUDA_KERNELS:
        for key in ("CPU", "CUDA"):
            assert torch._C._dispatch_has_kernel_for_dispatch_key(f"infogan_fast::{op}", key), (op, key)
    print("CUDA kernels registered:", ", ".join(OPS_WITH_CUDA_KERNELS))

    # "12.0+PTX" stands for machine code and PTX.
    expected = {arch.removesuffix("+PTX") for arch in wanted} | {arch for arch in wanted if arch.endswith("+PTX")}
    embedded = embedded_code(Path(_C.__file__))
    assert embedded == expected, (embedded, expected)
    print("code in the library for:", ", ".join(sorted(embedded)))

    spec = ig.LatentSpec(noise=62, categorical=(10,), continuous=2)
    latents = ig.sample_latents(spec, batch_size=8, seed=ig.new_seed())
    head = torch.randn(8, spec.head_dim("learned"), requires_grad=True)
    ig.info_loss(head, latents, spec).backward()
    assert head.grad is not None
    print("the CPU kernels work")


if __name__ == "__main__":
    main()
