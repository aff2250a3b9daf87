"""What the command line sets before torch is imported: how it ends on Ctrl-C, and how patiently threads wait.

Torch takes a second or two to import, and a traceback of that helps no one. Nothing is changed where the package is
imported by another program.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_MOMENT = 0.01  # seconds, for a finalizer to end
#: How often a waiting thread of GNU OpenMP looks for work before it sleeps. Its own 300,000 make runs side by side ten
#: times as slow; with these two on the same cores take a bit more than twice as long, and one alone a seventh longer.
SPIN_COUNT = 4000
_SPIN_VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
_NAMES = ("infogan-fast", "infogan-fast.exe", "infogan-fast-script.py")


def is_command_line() -> bool:
    """Whether this process was started as ``infogan-fast`` or ``python -m infogan_fast``."""
    if not getattr(sys, "argv", None) or not isinstance(sys.argv[0], str):  # in an interpreter within a program
        return False
    if sys.argv[0] != "-m":  # which it is while Python looks for the module to run
        return Path(sys.argv[0]).name in _NAMES
    return sys.orig_argv[-len(sys.argv)].removeprefix("-m") == "infogan_fast"


def exit_at_once(number: int, _frame: FrameType | None) -> None:
    """End the process by a signal, with the exit code that a shell gives it, and without any cleaning up."""
    os._exit(128 + number)


@contextmanager
def interrupts_raised() -> Iterator[None]:
    """While it lasts, Ctrl-C raises KeyboardInterrupt, as there is something to clean up, or something to say."""
    if signal.getsignal(signal.SIGINT) is not exit_at_once:
        yield
        return
    usual, sys.unraisablehook = sys.unraisablehook, _interrupt_again
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, exit_at_once)  # while the interpreter ends
        sys.unraisablehook = usual


def _interrupt_again(lost: sys.UnraisableHookArgs) -> None:
    """Python drops what is raised in a finalizer, and goes on: a KeyboardInterrupt is raised again a moment later."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    timer = threading.Timer(_MOMENT, signal.raise_signal, (signal.SIGINT,))
    timer.daemon = True
    timer.start()


def limit_spinning(environment: MutableMapping[str, str]) -> None:
    """Set ``GOMP_SPINCOUNT``, which OpenMP reads when torch loads it, unless the user has said how threads wait."""
    if not any(name in environment for name in _SPIN_VARIABLES):
        environment["GOMP_SPINCOUNT"] = str(SPIN_COUNT)


if is_command_line() and sys.argv[1:2] != ["bench"]:  # which measures other people's loops too, as torch runs them
    limit_spinning(os.environ)

# A background job of a shell ignores SIGINT, and goes on to.
if is_command_line() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, exit_at_once)
