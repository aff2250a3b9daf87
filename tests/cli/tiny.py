"""A run of milliseconds for the command line, and images for it."""

import struct

TINY = [
    "--set=width=0.05",
    "--set=batch_size=8",
    "--set=noise=4",
    "--set=categorical=3",
    "--set=continuous=1",
    "--set=evaluation_samples=20",
    "--device=cpu",
]


def write_idx(path, array):
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape) + array.tobytes())
