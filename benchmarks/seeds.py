"""Train the main job on several seeds, none left out, and report the spread of its figures.

    python -m benchmarks.seeds [--seeds N ...] [--out DIR] [--json FILE] [-- options of `infogan-fast train`]

A seed whose run folder has a summary already is not trained again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from infogan_fast.bench.machine import machine


def run(seed: int, folder: Path, options: list[str]) -> dict[str, Any]:
    """The summary of the run of a seed, trained if it is not there yet."""
    summary = folder / "summary.json"
    if not summary.exists():
        command = [sys.executable, "-m", "infogan_fast", "train", "--resume", "--seed", str(seed), "--out", str(folder)]
        subprocess.run([*command, *options], check=True)
    result: dict[str, Any] = json.loads(summary.read_text())
    return result


def row(name: str, accuracy: float, accuracy_train: float, bounds: list[float], r2: list[float]) -> str:
    """A line of the table."""
    bounds_text = ", ".join(f"{value:.3f}" for value in bounds)
    r2_text = ", ".join(f"{value:.2f}" for value in r2)
    return f"| {name} | {accuracy:.1%} | {accuracy_train:.1%} | {bounds_text} | {r2_text} |"


def columns(values: list[list[float]]) -> list[tuple[float, ...]]:
    """The values of each code over the runs."""
    return list(zip(*values, strict=True))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="default: 0 1 2 3 4")
    parser.add_argument("--out", type=Path, default=Path("runs/seeds"), help="folder of the runs (default: runs/seeds)")
    parser.add_argument("--json", type=Path, help="also write machine and summaries to this file")
    parser.add_argument("options", nargs="*", help="passed on to `infogan-fast train`, after --")
    options = parser.parse_args(arguments)
    summaries = [run(seed, options.out / f"seed{seed}", options.options) for seed in options.seeds]

    print("| seed | accuracy, held-out | accuracy, training | L_I per code, nats | R2 of the continuous codes |")
    print("|---|---|---|---|---|")
    accuracy = [summary["accuracy"] for summary in summaries]
    train = [summary["accuracy_train"] for summary in summaries]
    bounds = [summary["mi_bound_nats"] for summary in summaries]
    r2 = [summary["r2"] for summary in summaries]
    for figures in zip(map(str, options.seeds), accuracy, train, bounds, r2, strict=True):
        print(row(*figures))
    for name, pick in (("**mean**", statistics.mean), ("**worst**", min)):
        code_bounds, code_r2 = ([pick(code) for code in columns(values)] for values in (bounds, r2))
        print(row(name, pick(accuracy), pick(train), code_bounds, code_r2))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"machine": machine(), "runs": summaries}, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
