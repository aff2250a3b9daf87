"""How the machine of a run is named."""

import subprocess
import sys

import pytest

from infogan_fast import build_info
from infogan_fast.bench.machine import machine, processor_folder


@pytest.mark.parametrize(
    ("vendor", "simd", "folder"),
    [
        ("intel", ["baseline", "avx2", "avx512"], "intel-avx512"),
        ("amd", ["baseline", "avx2"], "amd-avx2"),
        ("amd", ["baseline", "avx2", "avx512"], "amd-avx512"),
        ("other", ["baseline"], "other-baseline"),
    ],
)
def test_the_folder_is_of_vendor_and_instructions(vendor, simd, folder):
    assert processor_folder({"cpu_vendor": vendor, "cpu_simd": simd}) == folder


def test_this_machine():
    build = build_info()
    assert machine()["build"] == build
    assert processor_folder() == f"{build['cpu_vendor']}-{build['cpu_simd'][-1]}"
    command = [sys.executable, "-m", "infogan_fast.bench.machine"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == f"{processor_folder()}\n"
