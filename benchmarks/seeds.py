"""Train the main job on several seeds, none left out, and report the spread of its figures.

    python -m benchmarks.seeds [--seeds N ...] [--out DIR] [--json FILE] [-- options of `infogan-fast train`]

A seed whose run folder has a summary already is not trained again, so each set of options needs an --out of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.seed_tables import DIGITS, SPRITES, entry, table
from infogan_fast.bench.machine import machine


def run(seed: int, folder: Path, options: list[str]) -> dict[str, Any]:
    """The summary of the run of a seed, trained if it is not there yet."""
    summary = folder / "summary.json"
    if not summary.exists():
        command = [
            sys.executable,
            "-m",
            "infogan_fast",
            "train",
            "--resume-or-start",
            "--seed",
            str(seed),
            "--out",
            str(folder),
        ]
        subprocess.run([*command, *options], check=True)
    result: dict[str, Any] = json.loads(summary.read_text())
    return result


def typed(arguments: list[str]) -> str:
    """The command line with these arguments, and the number of threads if it is set."""
    threads = os.environ.get("OMP_NUM_THREADS")
    command = shlex.join([".venv/bin/python", "-m", "benchmarks.seeds", *arguments])
    return f"OMP_NUM_THREADS={threads} {command}" if threads else command


def main(arguments: list[str]) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="default: 0 1 2 3 4")
    parser.add_argument("--out", type=Path, default=Path("runs/seeds"), help="folder of the runs (default: runs/seeds)")
    parser.add_argument("--json", type=Path, help="also write machine, command, date and summaries to this file")
    parser.add_argument("options", nargs="*", help="passed on to `infogan-fast train`, after --")
    options = parser.parse_args(arguments)
    folders = [options.out / f"seed{seed}" for seed in options.seeds]
    runs = [run(seed, folder, options.options) for seed, folder in zip(options.seeds, folders, strict=True)]

    print(table(runs, SPRITES if all(entry(one, "disentanglement") for one in runs) else DIGITS))
    if options.json:
        ended = max((folder / "summary.json").stat().st_mtime for folder in folders)
        about = {"machine": machine(), "command": typed(arguments), "date": str(date.fromtimestamp(ended))}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({**about, "runs": runs}, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
