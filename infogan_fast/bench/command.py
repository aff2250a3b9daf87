"""Measure the speed of infogan-fast against plain PyTorch, side by side in one run.

Every round times each contender once, in turn, so that what else the machine does falls on all of them alike; a figure
is the median of the rounds. Ratios are what counts: absolute times belong to the machine named beside them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch

from infogan_fast.bench import cpu_ops, cuda_ops, plots, targets
from infogan_fast.bench.cases import CASES, Case, sweep
from infogan_fast.extras import how_to_install

_GPU_BUDGET = 120.0
_STEP_ROUNDS = 15

Save = Callable[[dict[str, Any]], None]


class _Parser(argparse.ArgumentParser):
    """Its errors are one line, as those of the other commands."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"got {value}, allowed: an integer >= 1")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text}, allowed: a number of seconds > 0")
    return value


def parser(prog: str) -> argparse.ArgumentParser:
    """The options."""
    made = _Parser(prog=prog, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = made.add_argument_group("what is measured (default: --op --step, the cases that the targets are about)")
    what.add_argument("--op", action="store_true", help="the ops, against their eager and compiled reference")
    what.add_argument("--step", action="store_true", help="the training step, against the two common PyTorch steps")
    what.add_argument(
        "--time-to-result",
        action="store_true",
        help="seconds until L_I stays above 2.2 nats and until the code classifies digits, against common form A",
    )
    what.add_argument(
        "--sweep", action="store_true", help="ops: many sizes, codes and dtypes, an hour or more on a CPU"
    )
    what.add_argument("--quick", action="store_true", help="one thread, the first case of each, three rounds")
    what.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    how = made.add_argument_group("how")
    how.add_argument(
        "--threads",
        type=_positive,
        nargs="+",
        metavar="N",
        help="CPU: numbers of threads (default: 1 2; time to result: one number, default: torch's)",
    )
    how.add_argument("--rounds", type=_positive, metavar="N", help="samples per contender (default: 50; on a GPU 9)")
    how.add_argument(
        "--budget",
        type=_seconds,
        metavar="S",
        help=f"ops: begin no case after these seconds (default: none; on a GPU {_GPU_BUDGET:g})",
    )
    how.add_argument("--no-compile", action="store_true", help="steps: leave the compiled contenders out")
    how.add_argument("--data", default="mnist5k", metavar="NAME_OR_PATH", help="as for train (default: mnist5k)")
    how.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N", help="time to result (0 1 2)")
    how.add_argument("--seconds", type=_seconds, metavar="S", help="time to result: most training per run (600)")
    result = made.add_argument_group("what becomes of it")
    result.add_argument("--json", type=Path, metavar="FILE", help="write machine and figures to this file")
    result.add_argument("--plot", type=Path, metavar="DIR", help="draw PNG files into this folder")
    result.add_argument(
        "--check",
        action="store_true",
        help=f"exit with 1 if a target is missed by more than {100.0 * targets.TOLERANCE:.0f} per cent",
    )
    return made


def main(arguments: list[str], prog: str = "python -m infogan_fast.bench") -> int:
    """Run the benchmarks; gives the exit status."""
    options_parser = parser(prog)
    options = options_parser.parse_args(arguments)
    if not (options.op or options.step or options.time_to_result):
        options.op = options.step = True
    _check(options, options_parser)
    values: dict[str, Any] = {}

    def save(more: dict[str, Any]) -> None:
        values.update(more)
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(values, indent=2) + "\n")

    if options.op:
        save(_ops(options, save))
    if options.step:
        save(_steps(options, save))
    if options.time_to_result:
        save(_time_to_result(options, save))
    judged = targets.judge(values)
    if judged:
        save({"targets": [one.to_json() for one in judged]})
        print(f"\n{targets.table(judged)}")
    for path in plots.write(values, options.plot) if options.plot else ():
        print(path)
    if not options.check:
        return 0
    failed = [one for one in judged if one.failed]
    print(f"{len(judged)} targets, {len(failed)} missed by more than {targets.TOLERANCE:.0%}")
    return 1 if failed or not judged else 0


def _check(options: argparse.Namespace, options_parser: argparse.ArgumentParser) -> None:
    """Exit with a message where the options ask for what cannot be done, before anything is measured."""
    if options.device == "cuda" and (reason := cuda_ops.why_not()):
        options_parser.error(f"--device cuda: {reason}")
    if options.sweep and not options.op:
        options_parser.error("--sweep: is about the ops; add --op")
    if options.check and not (options.op or options.step):
        options_parser.error("--check: there is no target for the time to a result; add --op or --step")
    if options.time_to_result and len(options.threads or ()) > 1:
        options_parser.error("--threads: the time to a result takes one number of threads")
    if options.time_to_result and options.quick and options.seconds is None:
        options.seconds = 1.0
    if options.plot is not None:
        try:
            plots.library()
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("matplotlib"):
                raise
            options_parser.error(
                "--plot: the package matplotlib is needed for this; install it with: "
                + how_to_install("bench", "matplotlib")
            )


def _ops(options: argparse.Namespace, save: Save) -> dict[str, Any]:
    cases = _chosen(options)
    if options.device == "cuda":
        rounds = 3 if options.quick else options.rounds or 9
        return cuda_ops.measure_and_print(cases, rounds, options.budget or _GPU_BUDGET, save)
    threads, rounds = ([1], 3) if options.quick else (options.threads or [1, 2], options.rounds or 50)
    return cpu_ops.measure_and_print(cases, threads, rounds, options.budget or math.inf, save)


def _chosen(options: argparse.Namespace) -> list[Case]:
    """The ops' cases. On a CPU, a sweep compiles every float32 case of few codes: its time is not limited there."""
    if options.quick:
        return list(CASES[:1])
    if not options.sweep:
        return targets.cases(options.device)
    if options.device == "cuda":
        return sweep()
    return [
        dataclasses.replace(case, compiled=True)
        if case.dtype == torch.float32 and len(case.spec.categorical) < 10
        else case
        for case in sweep()
    ]


def _steps(options: argparse.Namespace, save: Save) -> dict[str, Any]:
    from infogan_fast.bench import steps

    chosen = list(steps.settings(options.device))
    threads, rounds = options.threads or [1, 2], options.rounds or _STEP_ROUNDS
    if options.quick:
        chosen, threads, rounds = chosen[-1:], [1], 3
    if options.device == "cuda":
        threads = [torch.get_num_threads()]
    compiled = not (options.no_compile or options.quick)
    return steps.measure_and_print(chosen, _data(options.data), threads, rounds, compiled, save)


def _time_to_result(options: argparse.Namespace, save: Save) -> dict[str, Any]:
    from infogan_fast.bench import time_to_result

    seeds, samples = options.seeds, 2000
    if options.quick:
        seeds, samples = seeds[:1], 100
    if options.threads:
        torch.set_num_threads(options.threads[0])
    return time_to_result.measure_and_print(
        _data(options.data), seeds, options.device, options.seconds, samples=samples, save=save
    )


def _data(name_or_path: str) -> Any:
    from infogan_fast import data

    return data.load(name_or_path)
