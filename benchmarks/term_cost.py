"""What the term on real images costs: the default job's step with it and without it, in turn.

python -m benchmarks.term_cost [--device cuda] [--threads N ...] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.train_run import images
from infogan_fast.bench.jobs import OurJob
from infogan_fast.bench.machine import machine
from infogan_fast.bench.timing import interleaved
from infogan_fast.data import ImageData
from infogan_fast.training.device import resolve
from infogan_fast.training.presets import preset

WITH, PLAIN = "with the term on real images", "plain"
_SECONDS_PER_SAMPLE, _MOST_SECONDS = 1.0, 120.0


def measure(data: ImageData, device: str, threads: int, rounds: int) -> dict[str, Any]:
    """Milliseconds per step of both jobs, and their ratio."""
    torch.set_num_threads(threads)
    jobs = {}
    for name, preset_name in ((WITH, "mnist5k"), (PLAIN, "mnist5k-plain")):
        config, _ = resolve(dataclasses.replace(preset(preset_name), device=device, steps=2**31 - 1))  # type: ignore[arg-type]
        jobs[name] = OurJob(config, data)
    seconds, done = interleaved(jobs, rounds, _SECONDS_PER_SAMPLE, _MOST_SECONDS)
    milliseconds = {name: 1e3 * value for name, value in seconds.items()}
    return {
        "device": device,
        "threads": threads,
        "rounds": done,
        "milliseconds": milliseconds,
        "ratio": milliseconds[WITH] / milliseconds[PLAIN],
    }


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="default: 1 2")
    parser.add_argument("--rounds", type=int, default=15, help="samples of each, of a second (default: 15)")
    parser.add_argument("--json", type=Path, help="also write machine and figures to this file")
    options = parser.parse_args(arguments)
    data, note = images()
    rows = [measure(data, options.device, threads, options.rounds) for threads in options.threads]
    for row in rows:
        times = ", ".join(f"{name} {value:.2f} ms" for name, value in row["milliseconds"].items())
        print(f"{row['threads']} threads: {times}: {row['ratio']:.2f} times")
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "note": note, "steps": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
