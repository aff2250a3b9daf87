"""Time on a GPU: events around a burst of calls, bursts of all contenders in turn, medians."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

Function = Callable[[], object]

_SECONDS_PER_SAMPLE = 0.003
_WARM_UP_CALLS = 4
_CALLS_PER_GRAPH = 10  # so that a graph's own launch does not count as a call's time
_COPY_BYTES = 2**30


@dataclass
class Timed:
    """A function, how many calls make up a sample, and the samples, in seconds per call."""

    function: Function
    calls_per_run: int
    """What one run of the function stands for: the calls captured in a graph, else 1."""
    runs: int
    samples: list[float]

    @property
    def median(self) -> float:
        """The median of the samples, in seconds per call."""
        return statistics.median(self.samples)


def timed(function: Function, calls_per_run: int = 1) -> Timed:
    """Warm a function up, and choose how many calls make a sample of some milliseconds."""
    for _ in range(_WARM_UP_CALLS):
        function()
    runs = max(1, min(2000, round(_SECONDS_PER_SAMPLE / max(_seconds_per_run(function, 3), 1e-7))))
    return Timed(function, calls_per_run, runs, [])


def interleave(functions: list[Timed], rounds: int) -> None:
    """Take one sample of each in turn, as often as there are rounds."""
    for _ in range(rounds):
        for item in functions:
            item.samples.append(_seconds_per_run(item.function, item.runs) / item.calls_per_run)


def _seconds_per_run(function: Function, runs: int) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    torch.cuda.synchronize()
    start.record()
    for _ in range(runs):
        function()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1e3 / runs


def waits_for_the_device(function: Function) -> str | None:
    """Why a function that has been warmed up cannot be captured in a graph: what waits; None if nothing does."""
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        function()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return None


def captured(function: Function, calls: int = _CALLS_PER_GRAPH) -> Function:
    """The replay of a CUDA graph of several calls of a function."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            function()
    return graph.replay


def measure(functions: dict[str, Function], rounds: int) -> tuple[dict[str, float], dict[str, str]]:
    """Median seconds per call of each function and, as ``"<name>, CUDA graph"``, of it within a graph.

    Returns:
        The seconds, and why those that are missing are missing.
    """
    items: dict[str, Timed] = {}
    missing: dict[str, str] = {}
    for name, function in functions.items():
        in_graph = f"{name}{IN_GRAPH}"
        try:
            items[name] = timed(function)
            reason = waits_for_the_device(function)
            if reason is not None:
                missing[in_graph] = f"waits for the device: {reason}"
                continue
            items[in_graph] = timed(captured(function), _CALLS_PER_GRAPH)
        except Exception as error:  # a contender that fails leaves the others their results
            missing[name if name not in items else in_graph] = f"{type(error).__name__}: {error}".splitlines()[0]
    interleave(list(items.values()), rounds)
    return {name: item.median for name, item in items.items()}, missing


IN_GRAPH = ", CUDA graph"


def baselines(rounds: int) -> dict[str, Any]:
    """What the device can do at best: a copy's bandwidth, and the time of a kernel that does nothing."""
    source = torch.empty(_COPY_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)

    def empty_kernel() -> None:
        torch.cuda._sleep(0)  # type: ignore[no-untyped-call]

    items = {
        "copy": timed(lambda: target.copy_(source)),
        "empty": timed(empty_kernel),
        "graph": timed(captured(empty_kernel, 1)),
        "node": timed(captured(empty_kernel, 100), 100),
    }
    interleave(list(items.values()), rounds)
    properties = torch.cuda.get_device_properties(0)
    return {
        "copy_bytes_per_second": 2 * _COPY_BYTES / items["copy"].median,
        "copy_bytes": 2 * _COPY_BYTES,
        "empty_kernel_microseconds": 1e6 * items["empty"].median,
        "graph_of_one_empty_kernel_microseconds": 1e6 * items["graph"].median,
        "empty_kernel_within_a_graph_microseconds": 1e6 * items["node"].median,
        "l2_bytes": properties.L2_cache_size,
        "memory_bytes": properties.total_memory,
    }


def forget() -> None:
    """Give compiled code, graphs and memory of a case back."""
    torch.compiler.reset()
    gc.collect()
    torch.cuda.empty_cache()
