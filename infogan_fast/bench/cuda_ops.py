"""The ops on a GPU: every contender by itself and within a CUDA graph, beside what a copy and an empty kernel take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

import infogan_fast as ig
from infogan_fast.bench import cuda_timing, memory
from infogan_fast.bench.cases import CONTENDERS, Case, contenders, dtype_name
from infogan_fast.bench.cuda_timing import IN_GRAPH
from infogan_fast.bench.machine import machine

_MOST_BYTES = 8 * 2**30
_OURS = "infogan_fast"


def why_not() -> str | None:
    """Why nothing can be measured here; None if it can."""
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no GPU"
    if not ig.build_info()["cuda_kernels"]:
        return "infogan_fast was built without CUDA kernels"
    return None


def row_of(case: Case, rounds: int, baselines: dict[str, Any]) -> dict[str, Any]:
    """The results of a case; a speed-up compares contenders of one kind, by themselves or within a graph."""
    row: dict[str, Any] = {"case": case.name, "device": "cuda", "dtype": dtype_name(case.dtype)}
    row |= {"op": case.op, "batch": case.batch, "head_dim": case.spec.head_dim(), "bytes": case.bytes_moved}
    if case.peak_bytes > _MOST_BYTES:
        return row | {"skipped": f"takes some {case.peak_bytes / 2**30:.0f} GiB, more than {_MOST_BYTES / 2**30:.0f}"}
    functions = dict(contenders(case, "cuda"))
    seconds, missing = cuda_timing.measure(functions, rounds)
    bandwidth = baselines["copy_bytes_per_second"]
    # In the level-2 cache the copy of a large array is no limit.
    return row | {
        "fits_l2": case.bytes_moved <= baselines["l2_bytes"],
        "microseconds": {name: 1e6 * value for name, value in seconds.items()},
        "speedup": {
            name: value / seconds[ours]
            for name, value in seconds.items()
            if (ours := _OURS + IN_GRAPH if name.endswith(IN_GRAPH) else _OURS) in seconds
        },
        "bytes_per_second_of_copy": {name: case.bytes_moved / value / bandwidth for name, value in seconds.items()},
        "peak_bytes": {name: memory.peak_bytes(functions[name], "cuda") for name in functions if name in seconds},
        "missing": missing,
    }


def measure_and_print(
    cases: list[Case], rounds: int, budget: float, save: Callable[[dict[str, Any]], None] = lambda values: None
) -> dict[str, Any]:
    """Measure case by case.

    Args:
        cases: the telling ones first.
        rounds: samples per contender.
        budget: in seconds; no case is begun after it.
        save: given what is there after each case, in case the process is stopped.

    Returns:
        Machine, baselines and rows, for JSON.
    """
    started = time.monotonic()
    where = {**machine(), "gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
    baselines = cuda_timing.baselines(rounds)
    print(f"{where['gpu']}, torch {where['torch']}; microseconds per call, forward and backward for the loss")
    print(
        f"copy: {baselines['copy_bytes_per_second'] / 1e12:.2f} TB/s (read and written); empty kernel: "
        f"{baselines['empty_kernel_microseconds']:.2f} us, as a graph of its own "
        f"{baselines['graph_of_one_empty_kernel_microseconds']:.2f}, within one "
        f"{baselines['empty_kernel_within_a_graph_microseconds']:.2f}"
    )
    print(f"{'case':52} " + " ".join(f"{name:>22}" for name in CONTENDERS) + f" {'of copy':>8}")
    rows: list[dict[str, Any]] = []
    values: dict[str, Any] = {"machine": where, "rounds": rounds, "baselines": baselines, "rows": rows}
    for case in cases:
        if time.monotonic() - started > budget:
            rows.append({"case": case.name, "device": "cuda", "dtype": dtype_name(case.dtype), "skipped": "budget"})
            continue
        cuda_timing.forget()
        try:
            rows.append(row_of(case, rounds, baselines))
        except torch.cuda.OutOfMemoryError as error:
            skipped = str(error).splitlines()[0]
            rows.append({"case": case.name, "device": "cuda", "dtype": dtype_name(case.dtype), "skipped": skipped})
        print(line_of(rows[-1]), flush=True)
        save(values)
    print(
        "(each contender: by itself / within a CUDA graph; - is not measured. Of copy: infogan_fast's bytes per second "
        "within a graph as a fraction of the copy's; L2 where they fit the cache)"
    )
    values["seconds"] = time.monotonic() - started
    return values


def line_of(row: dict[str, Any]) -> str:
    """A row of the printed table."""
    if "skipped" in row:
        return f"{row['case']:52} skipped: {row['skipped']}"
    times = row["microseconds"]
    cells = [f"{_number(times.get(name))} / {_number(times.get(name + IN_GRAPH))}" for name in CONTENDERS]
    fraction = row["bytes_per_second_of_copy"].get(_OURS + IN_GRAPH)
    of_copy = "-" if fraction is None else "L2" if row["fits_l2"] else f"{fraction:.0%}"
    return f"{row['case']:52} " + " ".join(f"{cell:>22}" for cell in cells) + f" {of_copy:>8}"


def _number(microseconds: float | None) -> str:
    return "-" if microseconds is None else f"{microseconds:.1f}"
