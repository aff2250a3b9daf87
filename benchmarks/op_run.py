"""The ops on a GPU: what ``infogan-fast bench --op --sweep --device cuda`` measures, where only torch is installed.

python -m benchmarks.op_run [--budget S] [--json FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from infogan_fast.bench.command import GPU_BUDGET, BenchOptions, run


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=GPU_BUDGET, help="begin no case after these seconds")
    parser.add_argument("--json", type=Path, help="also write machine and results to this file, case by case")
    options = parser.parse_args(arguments)
    run(BenchOptions(op=True, sweep=True, device="cuda", budget=options.budget, json=options.json))


if __name__ == "__main__":
    main()
