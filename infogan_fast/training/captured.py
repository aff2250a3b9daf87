"""A function as a CUDA graph: replayed on the GPU without the host's part."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

#: Calls before the capture, in which optimisers make their state, libraries choose algorithms and the step is compiled.
WARM_UP_CALLS = 3


class Captured:
    """Calls a function a few times, then captures what it does on the GPU and replays that.

    Every call does the function's work once, those before the capture too. Where the function cannot be captured, it is
    called as it is, after a warning.

    Args:
        function: reads and writes tensors that stay where they are in memory, and never waits for the GPU.
    """

    def __init__(self, function: Callable[[], Tensor]) -> None:
        self._function = function
        self._calls = 0
        self._graph = torch.cuda.CUDAGraph()
        self._result: Tensor | None = None  # of the graph, once it is captured
        self._side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._gives_up = False

    def __call__(self) -> Tensor:
        """The function's result; once captured, in the same memory each time."""
        if not self._gives_up and self._calls < WARM_UP_CALLS:
            self._calls += 1
            return self._call_on_side_stream()
        if not self._gives_up and self._result is None:
            self._capture()
        if self._result is None:
            return self._function()
        self._graph.replay()
        return self._result

    def _call_on_side_stream(self) -> Tensor:
        """Call the function on the stream that it will be captured on, so that nothing is set up during the capture."""
        current = torch.cuda.current_stream()
        self._side.wait_stream(current)
        with torch.cuda.stream(self._side):
            result = self._function()
        current.wait_stream(self._side)
        return result

    def _capture(self) -> None:
        current = torch.cuda.current_stream()
        try:
            # Other threads go on: that of a DataLoader pins memory, which is no part of the graph.
            with torch.cuda.graph(self._graph, stream=self._side, capture_error_mode="thread_local"):
                result = self._function()
        except RuntimeError as error:
            # Then ending the capture fails too, which hides the cause and leaves the side stream the current one. The
            # graph is kept: the allocator still knows it.
            torch.cuda.set_stream(current)
            self._gives_up = True
            reason = str(error.__context__ or error).splitlines()[0]
            warnings.warn(f"the step runs without a CUDA graph, as it cannot be captured: {reason}", stacklevel=3)
        else:
            self._result = result
