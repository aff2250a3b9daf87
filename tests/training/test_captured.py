"""The life of a captured step, with a stand-in for torch.cuda: what is called when, and what if there is no graph."""

import contextlib

import pytest
import torch

from infogan_fast.training import captured
from infogan_fast.training.captured import Captured


class FakeCuda:
    """Streams and graphs that keep a log; a replay calls what was captured."""

    def __init__(self, error=None):
        self.log, self.error, self.current = [], error, "main"
        self.capturing = False

    def Stream(self):  # noqa: N802 (torch's name)
        return FakeStream(self, "side")

    def current_stream(self):
        return FakeStream(self, self.current)

    @contextlib.contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream.name
        yield
        self.current = before

    def CUDAGraph(self):  # noqa: N802
        return FakeGraph(self)

    def set_stream(self, stream):
        self.current = stream.name

    @contextlib.contextmanager
    def graph(self, graph, stream, capture_error_mode):
        """As torch has it: where the capture fails, ending it raises another error and leaves the stream as it is."""
        assert capture_error_mode == "thread_local"  # others may go on meanwhile
        self.log.append("capture")
        before, self.current, self.capturing = self.current, stream.name, True
        try:
            yield
        finally:
            self.capturing = False
            if self.error:
                raise RuntimeError("operation failed due to a previous error during capture")
            self.current = before


class FakeStream:
    def __init__(self, cuda, name):
        self.cuda, self.name = cuda, name

    def wait_stream(self, other):
        self.cuda.log.append(f"{self.name} waits for {other.name}")


class FakeGraph:
    def __init__(self, cuda):
        self.cuda = cuda

    def replay(self):
        self.cuda.log.append("replay")


@pytest.fixture
def made(monkeypatch):
    def make(error=None):
        cuda = FakeCuda(error)
        monkeypatch.setattr(captured.torch, "cuda", cuda)
        result = torch.zeros(2)

        def function():
            cuda.log.append(f"call on {'graph' if cuda.capturing else cuda.current}")
            if cuda.capturing and cuda.error:
                raise RuntimeError(cuda.error)
            return result

        return cuda, Captured(function), result

    return make


def test_first_calls_work_on_the_side_stream_then_one_capture_then_replays(made):
    cuda, function, result = made()
    assert all(function() is result for _ in range(6))
    warm_up = ["side waits for main", "call on side", "main waits for side"]
    assert cuda.log == [*warm_up * 3, "capture", "call on graph", "replay", "replay", "replay"]


def test_what_cannot_be_captured_is_called_and_every_call_does_the_work_once(made):
    cuda, function, result = made("operation not permitted when stream is capturing\nand more")
    for _ in range(3):
        function()
    with pytest.warns(UserWarning, match=r"without a CUDA graph.*: operation not permitted when stream is capturing$"):
        assert function() is result
    function()
    assert cuda.log[9:] == ["capture", "call on graph", "call on main", "call on main"]
