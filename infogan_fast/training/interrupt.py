"""Stopping a run between two steps when the user or the machine asks for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class StopRequest:
    """Which signal asked for a stop, if one did."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Whether a stop was asked for."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended: 130 for SIGINT (Ctrl-C), 143 for SIGTERM."""
        return 128 + (self.signal or 0)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """While it lasts, the first SIGINT or SIGTERM only makes the request; a second one acts as it usually does.

    Outside the main thread Python does not let signals be caught, and nothing changes.
    """
    request = StopRequest()
    usual: dict[int, Any] = {}

    def let_act_as_usual() -> None:
        while usual:
            number, handler = usual.popitem()
            signal.signal(number, handler)

    def make_request(number: int, _frame: FrameType | None) -> None:
        request.signal = number
        let_act_as_usual()

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            usual[number] = signal.signal(number, make_request)
    try:
        yield request
    finally:
        let_act_as_usual()
