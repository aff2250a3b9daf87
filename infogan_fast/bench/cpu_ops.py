"""The ops on the CPU: our own and their plain PyTorch reference, eager and compiled, side by side in one process.

Every round times each contender once, in turn; a result is the median of the rounds. A copy of as many bytes as the op
has to move is one of those timed: the limit that memory sets.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import torch

from infogan_fast.bench import memory
from infogan_fast.bench.cases import CONTENDERS, Case, contenders, dtype_name
from infogan_fast.bench.machine import machine
from infogan_fast.bench.timing import Function, interleaved

_SECONDS_PER_SAMPLE = 0.01
_MOST_SECONDS_PER_CASE = 20.0
_MOST_BYTES = 8 * 2**30
_OURS, _EAGER, _COPY = "infogan_fast", "eager reference", "copy"


def memory_limit() -> int:
    """Bytes that a case may take: half of what is free, at most 8 GiB."""
    with suppress(ValueError, OSError, AttributeError):
        return min(_MOST_BYTES, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    return _MOST_BYTES // 4


def row_of(case: Case, threads: int, rounds: int) -> dict[str, Any]:
    """The results of a case with the number of threads that is set."""
    row: dict[str, Any] = {"case": case.name, "device": "cpu", "dtype": dtype_name(case.dtype), "threads": threads}
    row |= {"op": case.op, "batch": case.batch, "head_dim": case.spec.head_dim(), "bytes": case.bytes_moved}
    limit = memory_limit()
    if case.peak_bytes > limit:
        return row | {"skipped": f"takes some {case.peak_bytes / 2**30:.1f} GiB, more than {limit / 2**30:.1f}"}
    functions: dict[str, Function] = dict(contenders(case))
    seconds, done = interleaved(
        {**functions, _COPY: _copy_of(case.bytes_moved)}, rounds, _SECONDS_PER_SAMPLE, _MOST_SECONDS_PER_CASE
    )
    copy = seconds.pop(_COPY)
    return row | {
        "rounds": done,
        "microseconds": {name: 1e6 * value for name, value in seconds.items()},
        "speedup": {name: value / seconds[_OURS] for name, value in seconds.items()},
        "copy_bytes_per_second": case.bytes_moved / copy,
        "bytes_per_second_of_copy": {name: copy / value for name, value in seconds.items()},
        "peak_bytes": {name: memory.peak_bytes(function, "cpu") for name, function in functions.items()},
    }


def _copy_of(bytes_moved: int) -> Function:
    """A copy that reads and writes so many bytes together."""
    source = torch.zeros(max(1, bytes_moved // 2), dtype=torch.uint8)
    target = torch.zeros_like(source)
    return lambda: target.copy_(source)


def results(threads: list[int], rounds: int, cases: list[Case], budget: float) -> Iterator[dict[str, Any]]:
    """One row per case and number of threads, as it is measured; no case is begun after ``budget`` seconds."""
    started, before = time.monotonic(), torch.get_num_threads()
    try:
        for count in threads:
            torch.set_num_threads(count)
            for case in cases:
                if time.monotonic() - started > budget:
                    where = {"case": case.name, "device": "cpu", "dtype": dtype_name(case.dtype), "threads": count}
                    yield where | {"op": case.op, "batch": case.batch, "skipped": "budget"}
                    continue
                torch.compiler.reset()  # what was compiled is for a number of threads
                yield row_of(case, count, rounds)
    finally:
        torch.set_num_threads(before)


def measure_and_print(
    cases: list[Case],
    threads: list[int],
    rounds: int,
    budget: float,
    save: Callable[[dict[str, Any]], None] = lambda values: None,
) -> dict[str, Any]:
    """Measure case by case.

    Args:
        cases: what is measured.
        threads: numbers of threads, one after the other.
        rounds: samples per contender, fewer where they take long.
        budget: in seconds; no case is begun after it.
        save: given what is there after each case, in case the process is stopped.

    Returns:
        Machine and rows, for JSON.
    """
    where = machine()
    print(f"{where['cpu']}, torch {where['torch']}; microseconds per call, forward and backward for the loss")
    print(
        f"{'case':52} {'threads':>7} "
        + " ".join(f"{name:>24}" for name in CONTENDERS)
        + f" {'of copy':>8} {'memory':>7}"
    )
    rows: list[dict[str, Any]] = []
    values: dict[str, Any] = {"machine": where, "rounds": rounds, "rows": rows}
    for row in results(threads, rounds, cases, budget):
        rows.append(row)
        print(line_of(row), flush=True)
        save(values)
    print(
        "(in brackets: how many times as long as infogan_fast. Of copy: infogan_fast's bytes per second as a fraction "
        "of those of a copy of the same size. Memory: its peak as a fraction of the eager reference's)"
    )
    return values


def line_of(row: dict[str, Any]) -> str:
    """A row of the printed table."""
    if "skipped" in row:
        return f"{row['case']:52} {row['threads']:>7} skipped: {row['skipped']}"
    cells = [
        f"{row['microseconds'][name]:,.1f} ({row['speedup'][name]:.2f}x)" if name in row["microseconds"] else "-"
        for name in CONTENDERS
    ]
    fraction, peak = row["bytes_per_second_of_copy"][_OURS], row["peak_bytes"]
    columns = " ".join(f"{cell:>24}" for cell in cells)
    return f"{row['case']:52} {row['threads']:>7} {columns} {fraction:>8.0%} {peak[_OURS] / peak[_EAGER]:>7.0%}"
