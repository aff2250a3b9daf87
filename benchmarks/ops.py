"""The ops against their plain PyTorch reference, eager and compiled, side by side in one process.

    python -m benchmarks.ops [--threads N ...] [--rounds N] [--quick] [--json FILE]
    python -m benchmarks.ops --device cuda [--sweep] [--budget SECONDS] [--rounds N] [--json FILE]

Every round times each contender once, in turn, so that what else the machine does falls on all of them alike; a figure
is the median of the rounds. Ratios are what counts: absolute times belong to the machine named beside them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks import cuda_ops
from benchmarks.cases import CASES, CONTENDERS, Case, Contender, contenders, dtype_name, sweep
from benchmarks.machine import machine

_SECONDS_PER_SAMPLE = 0.01
_WARM_UP_CALLS = 5


def measure(case: Case, rounds: int) -> dict[str, float]:
    """Median seconds per call of each contender, on the CPU."""
    functions = dict(contenders(case))
    calls = {name: _calls_per_sample(function) for name, function in functions.items()}
    samples: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            samples[name].append(_seconds_per_call(function, calls[name]))
    return {name: statistics.median(values) for name, values in samples.items()}


def _calls_per_sample(function: Contender) -> int:
    for _ in range(_WARM_UP_CALLS):
        function()
    return max(1, round(_SECONDS_PER_SAMPLE / _seconds_per_call(function, 3)))


def _seconds_per_call(function: Contender, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def results(threads: list[int], rounds: int, cases: tuple[Case, ...]) -> Iterator[dict[str, Any]]:
    """One row per case and number of threads, as it is measured."""
    for count in threads:
        torch.set_num_threads(count)
        for case in cases:
            torch.compiler.reset()
            seconds = measure(case, rounds)
            ours = seconds["infogan_fast"]
            yield {
                "case": case.name,
                "device": "cpu",
                "dtype": dtype_name(case.dtype),
                "threads": count,
                "microseconds": {name: 1e6 * value for name, value in seconds.items()},
                "speedup": {name: value / ours for name, value in seconds.items()},
            }


def on_cpu(threads: list[int], rounds: int, cases: tuple[Case, ...]) -> dict[str, Any]:
    """Measure and print; what the JSON file holds."""
    where = machine()
    print(f"{where['cpu']}, torch {where['torch']}, float32; microseconds per call, forward and backward for the loss")
    print(f"{'case':44} {'threads':>7} " + " ".join(f"{name:>22}" for name in CONTENDERS))
    rows = []
    for row in results(threads, rounds, cases):
        rows.append(row)
        cells = [f"{row['microseconds'][name]:>12.1f} ({row['speedup'][name]:>6.2f}x)" for name in CONTENDERS]
        print(f"{row['case']:44} {row['threads']:>7} " + " ".join(f"{cell:>22}" for cell in cells), flush=True)
    print("(in brackets: how many times as long as infogan_fast)")
    return {"machine": where, "rounds": rounds, "rows": rows}


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="CPU: numbers of threads (default: 1 2)")
    parser.add_argument("--rounds", type=int, help="samples per contender (default: 50 on a CPU, 9 on a GPU)")
    parser.add_argument("--quick", action="store_true", help="one thread, the first case, three rounds")
    parser.add_argument("--sweep", action="store_true", help="GPU: many sizes and dtypes instead of the five cases")
    parser.add_argument("--budget", type=float, default=120.0, help="GPU: begin no case after these seconds (120)")
    parser.add_argument("--json", type=Path, help="also write machine and rows to this file")
    options = parser.parse_args(arguments)
    cases = CASES[:1] if options.quick else CASES

    def write(values: dict[str, Any]) -> None:
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(values, indent=2) + "\n")

    if options.device == "cuda":
        if reason := cuda_ops.why_not():
            parser.error(f"--device cuda: {reason}")
        rounds = 3 if options.quick else options.rounds or 9
        chosen = sweep() if options.sweep else list(cases)
        write(cuda_ops.measure_and_print(chosen, rounds, options.budget, write))
    else:
        threads, rounds = ([1], 3) if options.quick else (options.threads, options.rounds or 50)
        write(on_cpu(threads, rounds, cases))


if __name__ == "__main__":
    main(sys.argv[1:])
