"""What ``infogan-fast bench`` measures and writes.

Every round times each contender once, in turn, so that what else the machine does falls on all of them alike; a result
is the median of the rounds. Ratios are what counts: absolute times belong to the machine named beside them.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from infogan_fast.bench import cpu_ops, cuda_ops, plots, targets
from infogan_fast.bench.cases import CASES, Case, sweep
from infogan_fast.extras import how_to_install

#: Seconds after which no further case of the ops is begun on a GPU.
GPU_BUDGET = 120.0
_STEP_ROUNDS = 15
_MOST_THREADS = 1024

Save = Callable[[dict[str, Any]], None]


class BenchError(ValueError):
    """The options ask for what cannot be measured; the message names the option."""


@dataclass(frozen=True)
class BenchOptions:
    """The options of ``infogan-fast bench``, whose help says what they mean."""

    op: bool = False
    step: bool = False
    time_to_result: bool = False
    sweep: bool = False
    quick: bool = False
    device: str = "cpu"
    threads: tuple[int, ...] = ()
    rounds: int | None = None
    budget: float | None = None
    no_compile: bool = False
    precision: str = "float32"
    matrix_product: str = "auto"
    data: str = "mnist5k"
    seeds: tuple[int, ...] = (0, 1, 2)
    seconds: float | None = None
    json: Path | None = None
    plot: Path | None = None
    check: bool = False


def run(options: BenchOptions) -> int:
    """Measure, print, and write what was asked for.

    Returns:
        The exit status: 1 where ``--check`` finds a target missed, or none to check.

    Raises:
        BenchError: the options ask for what cannot be done, and nothing was measured; or the file of ``--json`` can no
            longer be written.
        ConfigError: ``--matrix-product`` asks for one that this torch has not.
        DataError: there are no such data.
    """
    if not (options.op or options.step or options.time_to_result):
        options = dataclasses.replace(options, op=True, step=True)
    _check(options)
    values: dict[str, Any] = {}

    def save(more: dict[str, Any]) -> None:
        values.update(more)
        if options.json:
            try:
                options.json.write_text(json.dumps(values, indent=2) + "\n")
            except OSError as error:
                raise BenchError(f"--json: cannot write {options.json}: {error.strerror}") from error

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


def _check(options: BenchOptions) -> None:
    """Raise where the options ask for what cannot be done, before anything is measured."""
    if options.device == "cuda" and (reason := cuda_ops.why_not()):
        raise BenchError(f"--device cuda: {reason}")
    if options.sweep and not options.op:
        raise BenchError("--sweep: is about the ops; add --op")
    if options.check and not (options.op or options.step):
        raise BenchError("--check: there is no target for the time to a result; add --op or --step")
    if options.precision != "float32" and not options.step:
        raise BenchError("--precision: is about the training step; add --step")
    if options.matrix_product != "auto" and not options.step:
        raise BenchError("--matrix-product: is about the training step; add --step")
    if options.matrix_product != "auto" and options.device != "cpu":
        raise BenchError("--matrix-product: is about the CPU; leave --device out")
    if options.time_to_result and len(options.threads) > 1:
        raise BenchError("--threads: the time to a result takes one number of threads")
    if any(count > _MOST_THREADS for count in options.threads):
        raise BenchError(f"--threads: got {max(options.threads)}, allowed: 1 to {_MOST_THREADS}")
    if options.plot is not None:
        try:
            plots.library()
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("matplotlib"):
                raise
            how = how_to_install("bench", "matplotlib")
            raise BenchError(f"--plot: the package matplotlib is needed for this; install it with: {how}") from error
    _make_places(options)
    if options.step or options.time_to_result:
        _data(options.data)


def _make_places(options: BenchOptions) -> None:
    """The file and the folder that are written in the end."""
    try:
        if options.json is not None:
            option = "--json"
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.open("a").close()
        if options.plot is not None:
            option = "--plot"
            options.plot.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{option}: cannot write there: {error}") from error


def _ops(options: BenchOptions, save: Save) -> dict[str, Any]:
    cases = _chosen(options)
    if options.device == "cuda":
        rounds = 3 if options.quick else options.rounds or 9
        return cuda_ops.measure_and_print(cases, rounds, options.budget or GPU_BUDGET, save)
    threads, rounds = ([1], 3) if options.quick else (list(options.threads or (1, 2)), options.rounds or 50)
    return cpu_ops.measure_and_print(cases, threads, rounds, options.budget or math.inf, save)


def _chosen(options: BenchOptions) -> list[Case]:
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


def _steps(options: BenchOptions, save: Save) -> dict[str, Any]:
    from infogan_fast.bench import steps

    chosen = list(steps.settings(options.device, options.precision, options.matrix_product))
    threads, rounds = list(options.threads or (1, 2)), options.rounds or _STEP_ROUNDS
    if options.quick:
        chosen, threads, rounds = chosen[-1:], [1], 3
    if options.device == "cuda":
        threads = [torch.get_num_threads()]
    compiled = not (options.no_compile or options.quick)
    return steps.measure_and_print(chosen, _data(options.data), threads, rounds, compiled, save)


def _time_to_result(options: BenchOptions, save: Save) -> dict[str, Any]:
    from infogan_fast.bench import time_to_result

    seeds, seconds, samples = list(options.seeds), options.seconds, 2000
    if options.quick:
        seeds, seconds, samples = seeds[:1], 1.0 if seconds is None else seconds, 100
    if options.threads:
        torch.set_num_threads(options.threads[0])
    return time_to_result.measure_and_print(
        _data(options.data), seeds, options.device, seconds, samples=samples, save=save
    )


@functools.cache
def _data(name_or_path: str) -> Any:
    from infogan_fast import data

    return data.load(name_or_path)
