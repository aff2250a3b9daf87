"""``infogan-fast bench``."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from infogan_fast.bench import targets
from infogan_fast.bench.command import GPU_BUDGET, BenchOptions, run
from infogan_fast.cli.options import DATA_TEXT, folder, non_empty, whole

_WHAT, _HOW, _RESULT = "What is measured", "How", "What becomes of it"


def _positive(value: str) -> int:
    number = whole(value)
    if number < 1:
        raise typer.BadParameter(f"got {number}, allowed: an integer >= 1")
    return number


def _several(item: Callable[[str], int]) -> Callable[[str], tuple[int, ...]]:
    """Integers separated by commas."""
    return lambda value: tuple(item(text.strip()) for text in value.split(","))


def _seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0.0 < number < math.inf:
        raise typer.BadParameter(f"got {value}, allowed: a number of seconds > 0")
    return number


def _one_of(*allowed: str) -> Callable[[str], str]:
    """One of these words."""

    def check(value: str) -> str:
        if value not in allowed:
            raise typer.BadParameter(f"got {value!r}, allowed: {', '.join(allowed)}")
        return value

    return check


def _file(value: str) -> Path:
    return Path(non_empty("the path of a file")(value))


def _flag(name: str, help_text: str, panel: str) -> Any:
    return typer.Option(name, help=help_text, rich_help_panel=panel)


def _value(help_text: str, panel: str, metavar: str, parser: Callable[[str], Any]) -> Any:
    return typer.Option(help=help_text, rich_help_panel=panel, metavar=metavar, parser=parser, show_default=False)


def bench(
    op: Annotated[bool, _flag("--op", "The ops, against their eager and compiled reference.", _WHAT)] = False,
    step: Annotated[bool, _flag("--step", "The training step, against the common PyTorch steps.", _WHAT)] = False,
    time_to_result: Annotated[
        bool,
        _flag(
            "--time-to-result",
            "Seconds until L_I stays above 2.2 nats and until the code classifies digits, against common form A.",
            _WHAT,
        ),
    ] = False,
    sweep: Annotated[
        bool, _flag("--sweep", "Ops: many sizes, codes and dtypes, an hour or more on a CPU.", _WHAT)
    ] = False,
    quick: Annotated[bool, _flag("--quick", "One thread, the first case of each, three rounds.", _WHAT)] = False,
    device: Annotated[str, _value("Default: cpu.", _WHAT, "cpu|cuda", _one_of("cpu", "cuda"))] = "cpu",
    threads: Annotated[
        Any,
        _value(
            "CPU: numbers of threads, such as 1,2. Default: 1,2; for the time to a result one number, torch's.",
            _HOW,
            "N,...",
            _several(_positive),
        ),
    ] = None,
    rounds: Annotated[
        int | None, _value("Samples per contender. Default: 50; on a GPU 9.", _HOW, "N", _positive)
    ] = None,
    budget: Annotated[
        float | None,
        _value(f"Ops: begin no case after these seconds. Default: none; on a GPU {GPU_BUDGET:g}.", _HOW, "S", _seconds),
    ] = None,
    no_compile: Annotated[bool, _flag("--no-compile", "Steps: leave the compiled contenders out.", _HOW)] = False,
    precision: Annotated[
        str,
        _value(
            "Steps: of every contender, others by torch.autocast. Default: float32.",
            _HOW,
            "float32|bfloat16",
            _one_of("float32", "bfloat16"),
        ),
    ] = "float32",
    matrix_product: Annotated[
        str,
        _value(
            "Steps on a CPU: the library of our float32 products. Default: auto, the processor's.",
            _HOW,
            "auto|blas|onednn",
            _one_of("auto", "blas", "onednn"),
        ),
    ] = "auto",
    data: Annotated[str, _value("As for train. Default: mnist5k.", _HOW, "NAME_OR_PATH", DATA_TEXT)] = "mnist5k",
    seeds: Annotated[Any, _value("Time to a result. Default: 0,1,2.", _HOW, "N,...", _several(whole))] = None,
    seconds: Annotated[
        float | None, _value("Time to a result: most training per run. Default: 600.", _HOW, "S", _seconds)
    ] = None,
    json: Annotated[Path | None, _value("Write machine and results to this file.", _RESULT, "FILE", _file)] = None,
    plot: Annotated[Path | None, _value("Draw PNG files into this folder.", _RESULT, "DIR", folder)] = None,
    check: Annotated[
        bool, _flag("--check", f"Exit with 1 if a target is missed by more than {targets.TOLERANCE:.0%}.", _RESULT)
    ] = False,
) -> None:
    """Measure the ops, the training step and the time to a result against plain PyTorch, side by side in one run.

    Without --op, --step and --time-to-result: --op --step, the cases that the targets are about.

    Each round times every contender once, after a call that is not timed, so that other load falls on all alike;
    results are medians of the rounds.

    Ratios are what counts: absolute times belong to the machine named beside them.
    """
    options = BenchOptions(
        op=op,
        step=step,
        time_to_result=time_to_result,
        sweep=sweep,
        quick=quick,
        device=device,
        threads=threads or (),
        rounds=rounds,
        budget=budget,
        no_compile=no_compile,
        precision=precision,
        matrix_product=matrix_product,
        data=data,
        seeds=seeds or BenchOptions.seeds,
        seconds=seconds,
        json=json,
        plot=plot,
        check=check,
    )
    raise typer.Exit(run(options))
