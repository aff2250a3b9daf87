"""The folders of benchmarks/results/ that hold figures of a CPU, one for each processor, and their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.generated import where

_GPU_FILE = "results.json"  # of `make gpu-check`
_VENDORS = {"amd": "AMD", "intel": "Intel"}
_INSTRUCTIONS = {"avx512": "AVX-512", "avx2": "AVX2"}


def folders(results: Path) -> list[Path]:
    """The folder of each processor, as ``infogan_fast.bench.machine.processor_folder`` names them, in that order."""
    return [path for path in sorted(results.iterdir()) if path.is_dir() and not (path / _GPU_FILE).exists()]


def read(results: Path, name: str) -> dict[str, dict[str, Any]]:
    """What the file of this name holds, by the name of the processor; of processors that have it."""
    found = {}
    for folder in folders(results):
        path = folder / name
        if path.exists():
            found[name_of(folder)] = json.loads(path.read_text())
    return found


def name_of(folder: Path) -> str:
    """A processor in a cell of a table, such as ``AMD, AVX2`` for the folder ``amd-avx2``."""
    vendor, _, instructions = folder.name.partition("-")
    if vendor not in _VENDORS or instructions not in _INSTRUCTIONS:
        return folder.name
    return f"{_VENDORS[vendor]}, {_INSTRUCTIONS[instructions]}"


def machines(files: Mapping[str, Mapping[str, Any]]) -> str:
    """Processor and version of torch of each file, for the end of a sentence."""
    described = {name: where(values["machine"]) for name, values in files.items()}
    if len(described) == 1:
        return next(iter(described.values()))
    return "; ".join(f"{name}: {text}" for name, text in described.items())
