"""Time on the host: samples of every contender in turn, so that what else the machine does falls on all alike.

Training repeats one step and not those of others, so each sample begins with a call that is not timed: it gets back
what the contender before has taken from caches and from memory that is kept. The order changes from round to round, for
what remains, such as the processor's clock.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping

import torch

Function = Callable[[], object]

_WARM_UP_CALLS = 3
_FEWEST_ROUNDS = 3


def calls_per_sample(function: Function, seconds: float) -> int:
    """Warm a function up; how many calls of it take about ``seconds``, at least one."""
    function()  # compiles, where it is compiled: that is no measure of a call
    took = seconds_per_call(function, 1)
    for _ in range(_WARM_UP_CALLS):
        if took < 1.0:
            took = seconds_per_call(function, 1)
    return max(1, round(seconds / max(took, 1e-7)))


def seconds_per_call(function: Function, calls: int) -> float:
    """Mean over one sample; waits for a GPU, where there is one in use, before and after."""
    _wait()
    start = time.perf_counter()
    for _ in range(calls):
        function()
    _wait()
    return (time.perf_counter() - start) / calls


def interleaved(
    functions: Mapping[str, Function], rounds: int, seconds_per_sample: float, most_seconds: float
) -> tuple[dict[str, float], int]:
    """Median seconds per call of each function.

    Args:
        functions: by name; they are warmed up here.
        rounds: samples of each, at most.
        seconds_per_sample: that the calls of a sample shall take together.
        most_seconds: for all rounds; where they would take longer there are fewer of them, at least three.

    Returns:
        The medians, and the number of rounds.
    """
    calls = {name: calls_per_sample(function, seconds_per_sample) for name, function in functions.items()}
    samples: dict[str, list[float]] = {name: [] for name in functions}
    started, done = time.perf_counter(), 0
    shuffled, order = random.Random(0), list(functions)
    while done < rounds:
        shuffled.shuffle(order)
        for name in order:
            functions[name]()
            samples[name].append(seconds_per_call(functions[name], calls[name]))
        done += 1
        if done >= min(_FEWEST_ROUNDS, rounds) and time.perf_counter() - started > most_seconds:
            break
    return {name: statistics.median(values) for name, values in samples.items()}, done


def _wait() -> None:
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
