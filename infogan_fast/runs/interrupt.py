"""Stopping a run between two steps when the user or the machine asks for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# SIGHUP: the terminal was closed. Windows has no such signal.
_HANGUP: int | None = getattr(signal, "SIGHUP", None)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([] if _HANGUP is None else [_HANGUP]))


class StopRequest:
    """Which signal asked for a stop, if one did."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Whether a stop was asked for."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + (self.signal or 0)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """While it lasts, the first SIGINT, SIGTERM or SIGHUP only makes the request; a second one acts as it usually does.

    But for SIGHUP, which comes twice where a terminal is closed, from the shell and from the system: a second one does
    nothing. A signal that is ignored stays so, as are SIGHUP under ``nohup`` and SIGINT in a background job of a shell.
    Outside the main thread Python does not let signals be caught, and nothing changes.
    """
    request = StopRequest()
    usual: dict[int, Any] = {}

    def let_act_as_usual(numbers: list[int]) -> None:
        for number in numbers:
            signal.signal(number, usual.pop(number))

    def make_request(number: int, _frame: FrameType | None) -> None:
        if request.signal is None:
            request.signal = number
        let_act_as_usual([caught for caught in usual if caught != _HANGUP])

    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):  # None: of another language than Python
                usual[number] = signal.signal(number, make_request)
    try:
        yield request
    finally:
        let_act_as_usual(list(usual))
